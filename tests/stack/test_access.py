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


def up(port: int) -> dict[str, str]:
    """Return what Prometheus says of its jobs: "1" or "0"; a job that was never scraped is missing."""
    answer = fetch(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": "up"}))
    return {found["metric"]["job"]: found["value"][1] for found in json.loads(answer.text)["data"]["result"]}


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
    # The same job once more, with a wrong password.
    stranger = lines.partition("scrape_configs:\n")[2].replace("job_name: host", "job_name: stranger")
    stranger = stranger.replace("exporter.password", "wrong.password")
    job.write_text(f"global:\n  scrape_interval: 1s\n{lines}{stranger}", encoding="utf-8")
    (folder / "exporter.password").write_text("change me")
    (folder / "wrong.password").write_text("change it")
    server = [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with (
        started(*COMMAND, "serve", "--port", str(port), "--web-config", str(folder / "web-config.yml"), cwd=ROOT),
        started(*server, f"--web.listen-address=127.0.0.1:{asking}", cwd=folder),
    ):
        eventually(lambda: up(asking) == {"host": "1", "stranger": "0"}, 60, "not as documented")
        assert run("health", "--port", str(port)).returncode == 0
