"""Ports are checked before anything is installed, fetched or started; what holds one is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from tests.support import Exporter
from tests.tools.doctor import files
from tests.tools.doctor.__main__ import main
from tests.tools.doctor.ports import DEFAULTS, FLEET
from tests.tools.ports import free_port
from tests.tools.stack.shipped import ROOT
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells who listens")


@pytest.fixture(autouse=True)
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "compose", lambda **_kwargs: iter(()))


@pytest.fixture
def taken() -> Iterator[int]:
    with serving(answering(b"something else")) as address:
        yield int(address.rpartition(":")[2])


def free() -> dict[str, str]:
    return {name: str(free_port()) for name in (*DEFAULTS, *FLEET)}


def said(capsys: pytest.CaptureFixture[str], folder: Path, variables: dict[str, str], *arguments: str) -> list[str]:
    code = main(list(arguments), variables, folder)
    lines = capsys.readouterr().out.splitlines()
    assert code == any(line.startswith("wrong") for line in lines)
    return lines


@pytest.mark.parametrize("name", ["EXPORTER_PORT", "GRAFANA_PORT", "MAILPIT_PORT"])
def test_a_port_in_use_is_named_with_who_holds_it_and_another_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: int, name: str
) -> None:
    line = said(capsys, tmp_path, {**free(), name: str(taken)})[0]
    start, other = line.rsplit(f"; set {name}=", 1)
    assert start.startswith(f"wrong: {name}={taken}: the port is in use by ")
    assert start.endswith(f" (process {os.getpid()})")
    assert taken < int(other.removesuffix(" in .env")) < taken + 200


def test_a_port_given_twice_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = str(free_port())
    line = said(capsys, tmp_path, {**free(), "EXPORTER_PORT": port, "MAILPIT_PORT": port})[0]
    assert line.startswith(f"wrong: MAILPIT_PORT={port} is already the port of EXPORTER_PORT: set MAILPIT_PORT=")


def test_the_ports_of_a_second_server_count_where_it_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], taken: int
) -> None:
    variables = {**free(), "ALERTMANAGER_B_PORT": str(taken)}
    assert said(capsys, tmp_path, variables) == ["all well"]
    variables["COMPOSE_FILE"] = "docker-compose.yml:docker-compose.fleet.yml"
    assert said(capsys, tmp_path, variables)[0].startswith(f"wrong: ALERTMANAGER_B_PORT={taken}: the port is in use")


def test_an_address_of_another_machine_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, tmp_path, {**free(), "BIND_ADDRESS": "192.0.2.1"})
    assert lines == ["wrong: BIND_ADDRESS=192.0.2.1: this machine has no such address", "1 wrong"]


def test_the_stack_that_is_running_already_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real exporter; the others by what they answer, as their documentation has it."""
    answers = {
        "PROMETHEUS_PORT": b"Prometheus Server is Healthy.\n",
        "ALERTMANAGER_PORT": b'{"cluster":{"status":"disabled"}}',
        "GRAFANA_PORT": b'{"database":"ok"}',
        "MAILPIT_PORT": b'{"total":0,"messages":[]}',
    }
    with ExitStack() as stack:
        ports = {"EXPORTER_PORT": str(stack.enter_context(Exporter()).port)}
        for name, body in answers.items():
            ports[name] = stack.enter_context(serving(answering(body))).rpartition(":")[2]
        # A proxy for the Internet, which does not know this machine's ports.
        monkeypatch.setattr("urllib.request._opener", None)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        lines = said(capsys, tmp_path, ports)
        assert lines[-1] == "all well, 5 warnings"
        for name, port in ports.items():
            assert f"warning: {name}={port} is in use: it seems that this stack is already running" in lines
        # Something else that answers is not it, and for make stack even that is one too many.
        swapped = {**ports, "GRAFANA_PORT": ports["EXPORTER_PORT"], "EXPORTER_PORT": ports["GRAFANA_PORT"]}
        assert said(capsys, tmp_path, swapped)[-1] == "2 wrong, 3 warnings"
        assert said(capsys, tmp_path, ports, "stack")[-1] == "3 wrong"


def answering(body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class Checkout:
    """What make needs of a fresh clone; nothing is installed in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(ROOT / "Makefile", folder)
        shutil.copy(ROOT / "docker-compose.yml", folder)
        for name in ("exporter", "tests/tools"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "tests/__init__.py", folder / "tests")
        # Whatever would install something ends here.
        (folder / "tests/tools/progress.py").write_text("import sys; print('installs'); sys.exit(3)")

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
        return subprocess.run(
            ["make", *arguments, f"PYTHON={sys.executable}"],
            cwd=self.folder, env={**environment, **variables}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("how", ["PORT", "HOST_EXPORTER_PORT"])
def test_make_run_says_so_before_it_installs_anything(checkout: Checkout, taken: int, how: str) -> None:
    done = (
        checkout.make("run", HOST_EXPORTER_PORT=str(taken)) if how != "PORT" else checkout.make("run", f"PORT={taken}")
    )
    assert done.returncode == 2
    assert done.stdout.startswith(f"wrong: PORT={taken}: the port is in use by ")
    assert "; make run PORT=" in done.stdout
    assert not (checkout.folder / ".venv").exists()
    free = checkout.make("run", f"PORT={free_port()}")
    assert free.stdout == "installs\n"


@pytest.mark.parametrize("line", ["EXPORTER_PORT={taken}", "TZ=Mars", "SMTP_PORT=abc", "SMPT_HOST=x", "A B"])
def test_make_stack_says_so_before_it_fetches_anything(checkout: Checkout, taken: int, line: str) -> None:
    ports = free()
    settings = [f"{name}={port}" for name, port in ports.items()]
    (checkout.folder / ".env").write_text("\n".join([*settings, line.format(taken=taken)]))
    done = checkout.make("stack")
    assert done.returncode == 2
    assert done.stdout.startswith("wrong: ")
    assert (line.partition("=")[0] if "=" in line else ".env, line 9") in done.stdout.splitlines()[0]
    assert "installs" not in done.stdout
    (checkout.folder / ".env").write_text("\n".join(settings))
    assert checkout.make("stack").stdout == "installs\n"


def test_make_doctor_says_all_of_it(checkout: Checkout, taken: int) -> None:
    (checkout.folder / ".env").write_text(f"EXPORTER_PORT={taken}\nCPU_WARNING=80%\nRETENTION_TIME=90 days\n")
    done = checkout.make("doctor", PATH=f"{checkout.folder}/none:{os.environ['PATH']}")
    assert done.returncode == 2
    for name in ("EXPORTER_PORT", "CPU_WARNING", "RETENTION_TIME"):
        assert f"\nwrong: {name}=" in f"\n{done.stdout}"


@pytest.mark.parametrize(("version", "fleet", "line"), [
    ("2.23.1", False, ""),
    ("v2.40.3-3", True, ""),
    ("2.23.0", False, "wrong: Docker Compose is version 2.23.0: 2.23.1 or later is needed"),
    ("2.24.3", True, "wrong: Docker Compose is version 2.24.3: 2.24.4 or later is needed"),
    ("", False, "warning: no Docker Compose plugin here: docker compose needs 2.23.1 or later"),
])  # fmt: skip
def test_an_old_compose_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fleet: bool, line: str
) -> None:
    monkeypatch.undo()
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\n[ -n '{version}' ] && echo 'Docker Compose version {version}'\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert [str(finding) for finding in files.compose(fleet=fleet)] == ([line] if line else [])
