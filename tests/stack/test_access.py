"""The commands of docs/access.md, exactly as printed there, with the shipped Prometheus: TLS and a password."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import make_chain, query
from tests.support import COMMAND, eventually, run
from tests.tools.ports import free_port
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tools.stack.chain import Chain

PAGE = (ROOT / "docs/access.md").read_text(encoding="utf-8")


def up(chain: Chain, instance: str) -> list[float]:
    """Return a machine's ``up``, selected as the alerts do; empty until Prometheus has tried to scrape it."""
    return [float(found["value"][1]) for found in query(chain, f'up{{job="host", instance="{instance}"}}')]


def openssl(folder: Path, *numbers: int) -> None:
    """Run the page's commands with these numbers, for machines at this machine's address."""
    commands = re.findall(r"^openssl req .*$", PAGE.replace("\\\n", ""), re.MULTILINE)
    assert len(commands) == 3
    for number in numbers:
        words = shlex.split(re.sub(r"subjectAltName=\S+", "subjectAltName=IP:127.0.0.1", commands[number]))
        subprocess.run(words, cwd=folder, check=True, capture_output=True)


def follow(project: Path, port: int) -> None:
    """Follow the page in a copy of the project, for a machine on a port of this one."""
    shutil.copytree(ROOT / "examples/tls", project / "examples/tls")
    block = re.search(r"```sh\n(mkdir -p targets/jobs.*?)docker compose run --rm", PAGE, re.DOTALL)
    assert block
    openssl(project / "examples/tls", 0)
    shutil.copy(project / "examples/tls/exporter.crt", project)
    script = block[1].replace("192.0.2.10:5000", f"127.0.0.1:{port}").replace("the password", "change me")
    subprocess.run(["sh", "-e", "-c", script], cwd=project, check=True)


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """A monitored machine with the web configuration in a folder."""
    command = [*COMMAND, "serve", "--port", str(port), "--web-config", str(folder / "web-config.yml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as exporter:
        try:
            yield
        finally:
            exporter.terminate()


@pytest.mark.timeout(300)
def test_the_documented_steps_let_the_shipped_prometheus_in_and_a_wrong_password_does_not(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.fail("openssl is not installed")
    project, ports = tmp_path / "project", [free_port() for _ in range(3)]
    project.mkdir()
    (tmp_path / "chain").mkdir()
    follow(project, ports[0])
    third = shutil.copytree(ROOT / "examples/tls", tmp_path / "third")
    openssl(third, 1, 2)
    fourth = shutil.copytree(third, tmp_path / "fourth")
    openssl(fourth, 2)
    machines = [f"127.0.0.1:{port}" for port in ports]
    with (
        serving(project / "examples/tls", ports[0]),
        serving(third, ports[1]),
        serving(fourth, ports[2]),
        make_chain(tmp_path / "chain", targets=project / "targets") as chain,
    ):
        eventually(lambda: up(chain, machines[0]) == [1], 60, "not as documented")
        assert run("health", "--port", str(ports[0])).returncode == 0

        # Add machines without a restart: first the CA of their certificates, then the target of each.
        (line,) = re.findall(r"^`(cat authority\.crt >> .+?)`", PAGE, re.MULTILINE)
        shutil.copy(third / "authority.crt", project)
        subprocess.run(["sh", "-e", "-c", line], cwd=project, check=True)
        for machine in machines[1:]:
            (project / f"targets/tls/{machine[-5:]}.yml").write_text(f'- targets: ["{machine}"]\n')
            eventually(lambda machine=machine: up(chain, machine) == [1], 100, "not let in")  # type: ignore[misc]
        assert up(chain, machines[0]) == [1], "the first is no longer accepted"

        (project / "targets/tls/exporter.password").write_text("change it")
        chain.prometheus.stop()
        chain.prometheus.start()
        chain.prometheus.wait()
        eventually(lambda: up(chain, machines[0]) == [0], 60, "a wrong password lets it in")
