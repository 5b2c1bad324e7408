"""Ports are checked before anything is installed, fetched or started; what holds one is named."""

from __future__ import annotations

import os
import re
import shutil
import socket
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
from tests.tools.ports import free_port, is_free
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


def test_each_port_that_is_proposed_is_free_and_nobody_elses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        first, second, *rest = (neighbours := in_a_row(6))
        for port in (first, second):
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        ports = {
            **free(),
            "PROMETHEUS_PORT": str(first),
            "ALERTMANAGER_PORT": str(second),
            "MAILPIT_PORT": str(rest[0]),
        }
        # Not started by make stack, nor by one server; yet it is given away.
        ports["DIGITS_PORT"] = str(rest[1])
        for arguments in ((), ("stack",)):
            text = "\n".join(said(capsys, tmp_path, ports, *arguments))
            assert re.findall(r"set (\w+)=(\d+) in", text) == [
                ("PROMETHEUS_PORT", str(neighbours[4])), ("ALERTMANAGER_PORT", str(neighbours[5])),
            ], text  # fmt: skip


def in_a_row(count: int) -> list[int]:
    """Return free ports that follow each other."""
    while True:
        start = free_port()
        if all(is_free(port) for port in range(start, start + count)):
            return list(range(start, start + count))


def test_a_long_name_is_completed_as_the_exporter_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "prometheus-alertmanager-of-mine"
    program.symlink_to(sys.executable)
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen([program, "-Sc", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        lines = said(capsys, tmp_path, {**free(), "MAILPIT_PORT": port})
        process.communicate("\n", timeout=30)
    assert f"in use by {program.name} (process {process.pid});" in lines[0]


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


ANSWERS = {
    "PROMETHEUS_PORT": b"Prometheus Server is Healthy.\n",
    "ALERTMANAGER_PORT": b'{"cluster":{"status":"disabled"}}',
    "GRAFANA_PORT": b'{"database":"ok"}',
    "MAILPIT_PORT": b'{"total":0,"messages":[]}',
}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Ports on which all services answer: the real exporter, the others as their documentation has it."""
    with ExitStack() as stack:
        ports = {"EXPORTER_PORT": str(stack.enter_context(Exporter()).port)}
        for name, body in ANSWERS.items():
            ports[name] = stack.enter_context(serving(answering(body))).rpartition(":")[2]
        # A proxy for the Internet, which does not know this machine's ports.
        monkeypatch.setattr("urllib.request._opener", None)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        yield ports


def docker(folder: Path, port: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a docker into PATH that says the project folder of the container that publishes a port."""
    program = folder / "docker"
    program.write_text(f"""#!/bin/sh
[ "$1 $2 $3" = "ps --filter publish={port}" ] && echo '{project}'
exit 0
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_the_same_services_of_somebody_else_are_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stack: dict[str, str]
) -> None:
    """Those of another checkout answer the same."""
    for arguments, count in (((), 5), (("stack",), 3)):
        lines = said(capsys, tmp_path, stack, *arguments)
        assert lines[-1] in {f"{count} wrong", f"{count + 1} wrong"}  # with a Grafana here, make stack needs its port
        assert lines[0].startswith(f"wrong: EXPORTER_PORT={stack['EXPORTER_PORT']}: the port is in use by ")


def test_this_folders_stack_in_docker_is_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    ports = {**free(), "EXPORTER_PORT": str(taken)}
    # A name of the folder that is a link, as the shell may have it.
    (tmp_path / "link").symlink_to(tmp_path)
    docker(tmp_path, str(taken), tmp_path / "link", monkeypatch)
    assert said(capsys, tmp_path, ports) == [
        f"warning: EXPORTER_PORT={taken} is in use: this stack is already running", "all well, 1 warning",
    ]  # fmt: skip
    docker(tmp_path, str(taken), tmp_path.parent, monkeypatch)
    assert said(capsys, tmp_path, ports)[-1] == "1 wrong"


def test_what_was_started_in_this_folder_is_to_be_stopped_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    """As make stack; its servers may be in a folder below."""
    (tmp_path / ".cache").mkdir()
    monkeypatch.chdir(tmp_path / ".cache")
    (line, _) = said(capsys, tmp_path, {**free(), "EXPORTER_PORT": str(taken)})
    assert line.startswith(f"warning: EXPORTER_PORT={taken} is in use: ")
    assert line.endswith(f" (process {os.getpid()}) was started in this folder, stop it before docker compose up")


def test_in_a_container_it_cannot_tell_whose_stack_is_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stack: dict[str, str]
) -> None:
    lines = said(capsys, tmp_path, stack, "compose")
    assert lines[-1] == "all well, 5 warnings"
    for name, port in stack.items():
        expected = "right if this stack is already running, else choose another port"
        assert f"warning: {name}={port} is in use: {expected}" in lines
    # Something else that answers is not it.
    swapped = {**stack, "GRAFANA_PORT": stack["EXPORTER_PORT"], "EXPORTER_PORT": stack["GRAFANA_PORT"]}
    assert said(capsys, tmp_path, swapped, "compose")[-1] == "2 wrong, 3 warnings"


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


@pytest.mark.parametrize("port", ["", "abc", "70000", "5 000", "a:b@c"])
def test_make_run_refuses_what_is_no_port_before_it_installs_anything(checkout: Checkout, port: str) -> None:
    done = checkout.make("run", f"PORT={port}")
    assert done.returncode == 2
    shown = port.replace("a:b@", "...@")
    assert done.stdout == f"wrong: PORT={shown}: give a whole number from 1 to 65535\n1 wrong\n"
    assert "usage" not in done.stderr


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
