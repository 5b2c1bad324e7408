"""``serve``: how it starts, what keeps it from starting, and how it stops."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from exporter.errors import ServerError
from exporter.serving.server import Server, open_server
from exporter.signals import ENDING, IGNORED
from tests.support import COMMAND, Exporter, eventually, fetch, run
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

SIGNALS = sorted(ENDING)
SOON = 8.0
"""Seconds within which it must exit; container engines kill it after ten."""


@pytest.mark.parametrize("args", [[], ["serve"]], ids=["without a command", "serve"])
def test_a_port_in_use_ends_the_command_with_one_line(args: list[str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = run(*args, "--port", str(port))
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("host-exporter: ")
    assert str(port) in result.stderr
    assert "in use" in result.stderr


@pytest.mark.parametrize("flag", ["--export-csv", "--export-jsonl"])
def test_a_wrong_file_is_told_although_the_port_is_in_use_as_well(flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        result = run("--port", str(holder.getsockname()[1]), flag, "/")
    assert result.returncode == 2
    assert result.stderr == (
        f"host-exporter: {flag}: cannot write /: Is a directory; give a file in a folder that can be written\n"
    )


def test_a_port_in_use_leaves_no_new_file_and_every_old_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.csv"
    old.touch()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        result = run("--port", port, "--export-csv", str(new), "--export-jsonl", str(old))
    assert result.returncode == 1
    assert "in use" in result.stderr
    assert list(tmp_path.iterdir()) == [old]


def test_a_second_file_that_is_wrong_leaves_no_first_one_behind(tmp_path: Path) -> None:
    result = run("watch", "--once", "--export-csv", str(tmp_path / "rows.csv"), "--export-jsonl", str(tmp_path))
    assert (result.returncode, result.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_another_exporter_serves_is_not_shared(exporter: Exporter) -> None:
    result = run("--port", str(exporter.port))
    assert result.returncode == 1
    assert "in use" in result.stderr


@pytest.mark.parametrize(
    "host",
    ["256.1.1.1", "host.invalid", "192.0.2.1", "/nonexistent/socket", "@abstract", "[", "a..b", "x" * 300],
    ids=ascii,
)
def test_a_host_that_cannot_be_listened_on_ends_the_command_with_one_line(host: str) -> None:
    result = run("--host", host, "--port", str(free_port()))
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("host-exporter: cannot listen on ")
    assert result.stdout == ""


@pytest.mark.parametrize("host", ["", "a b", "\udcff", "\x1b[31m"], ids=ascii)
def test_a_host_that_can_be_no_address_is_bad_input(host: str) -> None:
    result = run("--host", host, "--port", str(free_port()))
    assert result.returncode == 2
    assert result.stderr.startswith("host-exporter: --host: ")
    assert result.stderr.endswith("give an address or a host name to listen on\n")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::1"])
def test_other_addresses_can_be_listened_on(host: str) -> None:
    port = free_port()
    if host == "::1":
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", port))
        except OSError:
            pytest.skip("this machine has no IPv6")
    process = subprocess.Popen(
        [*COMMAND, "serve", "--host", host, "--port", str(port)], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr
        started = process.stderr.readline()
        address = started.split("status page on ")[1].partition(",")[0]
        assert fetch(f"{address}/-/healthy").status == 200
    finally:
        process.terminate()
        process.communicate(timeout=15)


def test_without_a_command_it_serves_and_says_where() -> None:
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND, "--port", str(port)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr
        assert f"status page on http://127.0.0.1:{port}, metrics on http://127.0.0.1:{port}/metrics" in (
            process.stderr.readline()
        )
        assert fetch(f"http://127.0.0.1:{port}/").status == 200
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    assert out == ""


def test_the_variables_set_host_and_port() -> None:
    port = free_port()
    process = subprocess.Popen(
        [*COMMAND], stderr=subprocess.PIPE, text=True, env={**os.environ, "HOST_EXPORTER_PORT": str(port)}
    )
    try:
        assert process.stderr
        assert f":{port}/metrics" in process.stderr.readline()
    finally:
        process.terminate()
        process.communicate(timeout=15)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)
def test_a_signal_ends_it_with_exit_code_0(number: int, tmp_path: Path) -> None:
    with Exporter("--export-csv", str(tmp_path / "rows.csv"), "--interval", "0.5") as exporter:
        exporter.samples()
        begin = time.monotonic()
        assert exporter.stop(number) == 0
        assert time.monotonic() - begin < SOON
    assert "Traceback" not in exporter.log
    assert (tmp_path / "rows.csv").read_bytes().endswith(b"\n")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)
def test_a_signal_ends_it_although_connections_are_open(number: int) -> None:
    """Some kept alive after a response, one that has sent nothing, one that stopped in the middle of a request."""
    with Exporter() as exporter, ExitStack() as clients:

        def connect(request: bytes) -> socket.socket:
            client = clients.enter_context(socket.create_connection(("127.0.0.1", exporter.port), timeout=10))
            client.sendall(request)
            return client

        for _ in range(5):
            client = connect(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"connection: close" not in answer.lower(), "kept alive"
        connect(b"")
        connect(b"GET /metrics HTTP/1.1\r\nHost: loc")
        begin = time.monotonic()
        assert exporter.stop(number) == 0
        assert time.monotonic() - begin < SOON
    assert "Traceback" not in exporter.log


@pytest.mark.parametrize("number", sorted(IGNORED), ids=lambda number: signal.Signals(number).name)
def test_a_signal_that_makes_others_reopen_their_files_changes_nothing(number: int, tmp_path: Path) -> None:
    with Exporter("--export-csv", str(tmp_path / "rows.csv"), "--interval", "0.5") as exporter:
        exporter.process.send_signal(number)
        assert exporter.samples().value("host_uptime_seconds")
        assert exporter.stop() == 0


@pytest.mark.skipif(os.name != "posix", reason="nohup")
def test_with_nohup_it_outlives_its_terminal() -> None:
    port = free_port()
    command = ["nohup", *COMMAND, "serve", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: fetch(f"http://127.0.0.1:{port}/-/healthy").status == 200, 20)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)  # it would have ended by then
        assert fetch(f"http://127.0.0.1:{port}/-/healthy").status == 200
    finally:
        process.terminate()
        process.communicate(timeout=15)
    assert process.returncode == 0


CTRL_C_IN_A_CALLBACK = """
import os, signal, sys, types, weakref
from exporter.__main__ import main

class Thing:
    pass

def commands():
    thing = Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    sys.exit("still here")

sys.modules["exporter.commands.program"] = types.ModuleType("exporter.commands.program")
sys.modules["exporter.commands.program"].main = commands
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process instead")
def test_ctrl_c_is_not_lost_where_python_can_raise_nothing() -> None:
    """Imports run a callback when a module's lock is freed: in one of some hundred starts, Ctrl-C came right then."""
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_IN_A_CALLBACK], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_second_signal_while_it_ends_does_no_harm() -> None:
    with Exporter() as exporter:
        exporter.process.send_signal(signal.SIGINT)
        exporter.process.send_signal(signal.SIGTERM)
        assert exporter.stop(signal.SIGINT) == 0
    assert "Traceback" not in exporter.log


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.EADDRINUSE, "Only one usage of each socket address (protocol/port) is"),
            "Address already in use",
        ),
        (OSError(errno.EADDRNOTAVAIL, "Die angeforderte Adresse ist ung\u00fcltig"), "Cannot assign requested address"),
        (OSError(errno.EACCES, "An attempt was made to access a socket"), "Permission denied"),
        (
            OSError(10047, "An address (of that kind) [is] not supported"),
            "An address (of that kind) [is] not supported",
        ),
        (OSError("no number"), "no number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_address_that_cannot_be_had_is_told_in_the_same_words_on_every_system(
    monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def bind(*_: object) -> None:
        raise error

    monkeypatch.setattr(Server, "bind_socket", staticmethod(bind))
    with pytest.raises(ServerError) as refused:
        open_server(lambda *_: [b""], "127.0.0.1", 5000)
    assert str(refused.value) == f"cannot listen on 127.0.0.1, port 5000: {words}; give another --host or --port"
