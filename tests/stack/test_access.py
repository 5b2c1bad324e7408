"""The commands and files of docs/access.md, as they stand there: a real Prometheus scrapes over TLS with a password."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import urllib.parse
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import eventually
from tests.support import COMMAND, fetch, free_port, run
from tests.support_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*command: str, cwd: Path) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def up(port: int) -> str:
    """Return what Prometheus says of its one target: "1", "0", or nothing yet."""
    answer = fetch(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": "up"}))
    found = json.loads(answer.text)["data"]["result"]
    return str(found[0]["value"][1]) if found else ""


def test_the_documented_pair_of_files_lets_prometheus_in_and_a_wrong_password_does_not(tmp_path: Path) -> None:
    prometheus = program("prometheus")
    if not shutil.which("openssl"):
        pytest.fail("openssl is not installed")
    folder = tmp_path / "tls"
    shutil.copytree(ROOT / "examples/tls", folder)
    text = (ROOT / "docs/access.md").read_text(encoding="utf-8")
    command = re.search(r"^openssl req .*$", text, re.MULTILINE)
    assert command
    words = shlex.split(command[0].replace("192.0.2.10", "127.0.0.1"))
    subprocess.run(words, cwd=folder, check=True, capture_output=True)

    port, asking = free_port(), free_port()
    job = folder / "prometheus.yml"
    lines = job.read_text(encoding="utf-8").replace("192.0.2.10:5000", f"127.0.0.1:{port}")
    job.write_text(f"global:\n  scrape_interval: 1s\n{lines}", encoding="utf-8")
    password = folder / "exporter.password"
    password.write_text("change me")
    server = [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with (
        started(*COMMAND, "serve", "--port", str(port), "--web-config", str(folder / "web-config.yml"), cwd=ROOT),
        started(*server, f"--web.listen-address=127.0.0.1:{asking}", cwd=folder),
    ):
        eventually(lambda: up(asking) == "1", 60, "Prometheus does not get in")
        assert run("health", "--port", str(port)).returncode == 0
        password.write_text("change it")  # Prometheus reads the file at each scrape
        eventually(lambda: up(asking) == "0", 60, "a wrong password gets in")
        targets = json.loads(fetch(f"http://127.0.0.1:{asking}/api/v1/targets").text)["data"]["activeTargets"]
        assert "401" in targets[0]["lastError"] or "429" in targets[0]["lastError"]
        password.write_text("change me")
        eventually(lambda: up(asking) == "1", 60, "Prometheus does not get in again")
