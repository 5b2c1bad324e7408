"""The commands of docs/access.md, as they stand there, and the shipped Prometheus: TLS and a password."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import eventually, make_chain, query
from tests.support import COMMAND, run
from tests.tools.ports import free_port
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.stack.chain import Chain

PAGE = (ROOT / "docs/access.md").read_text(encoding="utf-8")


def up(chain: Chain, instance: str) -> list[float]:
    """Return whether a machine can be scraped, as the alerts ask; nothing while it was never scraped."""
    return [float(found["value"][1]) for found in query(chain, f'up{{job="host", instance="{instance}"}}')]


def follow(project: Path, port: int) -> None:
    """Do in a copy of the project what the page says, for a machine at a port of this one."""
    shutil.copytree(ROOT / "examples/tls", project / "examples/tls")
    command = re.search(r"^openssl req .*$", PAGE, re.MULTILINE)
    block = re.search(r"```sh\n(mkdir -p targets/jobs.*?)docker compose run --rm", PAGE, re.DOTALL)
    assert command
    assert block
    words = shlex.split(command[0].replace("192.0.2.10", "127.0.0.1"))
    subprocess.run(words, cwd=project / "examples/tls", check=True, capture_output=True)
    shutil.copy(project / "examples/tls/exporter.crt", project)
    script = block[1].replace("192.0.2.10:5000", f"127.0.0.1:{port}").replace("the password", "change me")
    subprocess.run(["sh", "-e", "-c", script], cwd=project, check=True)


@pytest.mark.timeout(300)
def test_the_documented_steps_let_the_shipped_prometheus_in_and_a_wrong_password_does_not(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.fail("openssl is not installed")
    project, port = tmp_path / "project", free_port()
    project.mkdir()
    (tmp_path / "chain").mkdir()
    follow(project, port)
    config = project / "examples/tls/web-config.yml"
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port), "--web-config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as exporter:
        try:
            with make_chain(tmp_path / "chain", targets=project / "targets") as chain:
                machine = f"127.0.0.1:{port}"
                eventually(lambda: up(chain, machine) == [1], 60, "not as documented")
                assert run("health", "--port", str(port)).returncode == 0
                # One more machine, without a restart: its place, where nobody answers.
                other = f"127.0.0.1:{free_port()}"
                (project / "targets/tls/web-03.yml").write_text(f'- targets: ["{other}"]\n')
                eventually(lambda: up(chain, other) == [0], 100, "the new machine is not looked for")
                (project / "targets/tls/exporter.password").write_text("change it")
                chain.prometheus.stop()
                chain.prometheus.start()
                chain.prometheus.wait()
                eventually(lambda: up(chain, machine) == [0], 60, "a wrong password lets it in")
        finally:
            exporter.terminate()
