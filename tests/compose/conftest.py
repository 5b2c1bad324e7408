"""The stack in containers, started once for all tests here: the shipped files, on free ports."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.compose.engine import Engine
from tests.support import fetch
from tests.tools.ports import free_port
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = ("exporter", "prometheus", "alertmanager", "mailpit")
MORE = ("prometheus-b", "alertmanager-b", "victoriametrics")
# Everything is as shipped, with two exceptions. Grafana is left out, because its image has no stand-in. And Docker runs
# the first health check only after a full interval, which "up --wait", called often here, would wait for.
SOONER = {"healthcheck": {"interval": "3s"}}
OVERRIDE = {"services": {"grafana": {"profiles": ["not-here"]}} | dict.fromkeys((*SERVICES, "digits"), SOONER)}
QUIET = ("FILESYSTEM", "CPU")


@dataclass(frozen=True)
class Stack:
    """The running containers."""

    engine: Engine
    folder: Path
    ports: dict[str, int]
    seconds: float

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def compose(self, *arguments: str, check: bool = True) -> str:
        return self.engine.docker("compose", *arguments, folder=self.folder, check=check).stdout

    def inspect(self, service: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.engine.docker("inspect", self.container(service)).stdout)
        return found[0]

    def container(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query to Prometheus."""
        url = f"{self.url('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        found: list[dict[str, Any]] = json.loads(fetch(url).text)["data"]["result"]
        return found

    def mails(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(fetch(f"{self.url('mailpit')}/api/v1/messages").text)["messages"]
        return found

    def healthy(self, service: str) -> bool:
        return bool(self.inspect(service)["State"].get("Health", {}).get("Status") == "healthy")

    def wait_healthy(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not all(self.healthy(service) for service in SERVICES):
            assert time.monotonic() < deadline, self.compose("ps", "--all")
            time.sleep(0.5)


def shell_blocks(page: Path = ROOT / "docs/operations.md") -> list[str]:
    """Return the shell commands of a page, block by block."""
    return re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(tmp_path_factory.mktemp("engine")) as running:
        running.stand_ins()
        yield running


@pytest.fixture(scope="session")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A copy of the files that a user has, with free ports in .env, brought up by the README's command."""
    folder = tmp_path_factory.mktemp("checkout") / "host-exporter"
    folder.mkdir()
    for name in ("exporter", "targets", "grafana", "examples"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".venv", "saved_images")
        )
    # What the service "check" runs.
    shutil.copytree(ROOT / "tests/tools", folder / "tests/tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests/__init__.py", folder / "tests")
    for name in ("docker-compose.yml", "docker-compose.fleet.yml", "Dockerfile", ".dockerignore", "prometheus.yml",
                 "alerts.yml", "pyproject.toml", "README.md", "LICENSE", "requirements.lock"):  # fmt: skip
        shutil.copy(ROOT / name, folder)
    ports = {service: free_port() for service in (*SERVICES, *MORE, "digits", "grafana")}
    lines = [f"{service.upper().replace('-', '_')}_PORT={port}" for service, port in ports.items()]
    # Only the load of a test may fire an alert, not a full disk or tests that run beside these.
    lines += [f"{what}_{level}" for what in QUIET for level in ("WARNING=99.98", "CRITICAL=99.99")]
    (folder / ".env").write_text("\n".join(lines) + "\n")
    (folder / "docker-compose.override.yml").write_text(yaml.safe_dump(OVERRIDE))
    up = next(block for block in shell_blocks(ROOT / "README.md") if block.startswith("docker compose run --rm check"))
    try:
        engine.docker("compose", "build", "--quiet", folder=folder)
        start = time.monotonic()
        engine.run(["bash", "-euc", up], folder=folder)
        yield Stack(engine, folder, ports, time.monotonic() - start)
    finally:
        engine.docker("compose", "down", "--volumes", "--timeout=20", folder=folder, check=False)
