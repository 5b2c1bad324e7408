"""Commands that exit by themselves: ``stats``, ``health``, ``--version``, ``-h``."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest

from exporter import __version__
from exporter.collectors import COLLECTORS
from exporter.commands.cli import cli
from tests.support import COMMAND, Exporter, eventually, fetch, run
from tests.tools.ports import free_port
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENTED = {"time", "version", "level", "findings", "levels", "thresholds", "collectors"}


def test_the_version_is_said() -> None:
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"host-exporter, version {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", *cli.commands])
def test_help_is_given(command: str, flag: str) -> None:
    result = run(*filter(None, [command, flag]))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Usage: host-exporter {command}".rstrip())
    for param in cli.commands[command].params if command else ():
        assert (param.opts[0] if param.opts[0].startswith("-") else param.human_readable_name) in result.stdout


def test_stats_is_one_json_object_with_the_documented_keys() -> None:
    result = run("stats")
    assert (result.returncode, result.stderr) == (0, "")
    stats = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert set(stats) == DOCUMENTED | {collector.name for collector in COLLECTORS}
    assert stats["version"] == __version__
    assert stats["level"] in {"ok", "warning", "critical"}
    assert 0 <= stats["cpu"]["usage_ratio"] <= 1
    assert stats["memory"]["total_bytes"] > 0
    assert all(collector["success"] for collector in stats["collectors"].values())


def test_stats_is_what_the_server_says(exporter: Exporter) -> None:
    def shape(value: Any) -> Any:
        return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else None

    ours, theirs = json.loads(run("stats").stdout), json.loads(exporter.get("/api/stats").body)
    for stats in (ours, theirs):
        del stats["processes"]["states"]  # rare process states come and go
    assert shape(ours) == shape(theirs)


@pytest.mark.skipif(os.name != "posix", reason="a shell pipe")
@pytest.mark.parametrize("command", ["stats", "watch --once", "watch --interval 0.5", "-h", "--version"])
@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_a_reader_that_leaves_early_costs_no_traceback(command: str, reader: str) -> None:
    program = f"{sys.executable} -m exporter {command}"
    result = subprocess.run(
        f"{program} | {reader}", shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) == (1 if reader == "head -1" else 0)


PRINTING = ["stats", "watch --once", "watch", "--version", "--licenses", "--help", "stats --help"]


def _cannot_write(command: str, output: str) -> str:
    """Return what a command says whose standard output is redirected like this."""
    program = f"{sys.executable} -m exporter {command} {output}"
    result = subprocess.run(program, shell=True, stderr=subprocess.PIPE, text=True, timeout=30, check=False)
    assert result.returncode == 1, result.stderr
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", PRINTING)
def test_output_that_cannot_be_written_is_one_line_and_no_traceback(command: str) -> None:
    assert _cannot_write(command, ">/dev/full") == (
        "host-exporter: cannot write to standard output: No space left on device"
    )


@pytest.mark.skipif(os.name != "posix", reason="a shell's redirection")
@pytest.mark.parametrize("command", PRINTING)
def test_output_that_is_closed_is_one_line(command: str) -> None:
    assert _cannot_write(command, ">&-") == "host-exporter: cannot write to standard output: it is closed"


@pytest.mark.skipif(os.name != "posix", reason="a shell's redirection")
def test_health_whose_output_is_closed_is_one_line(exporter: Exporter) -> None:
    assert "it is closed" in _cannot_write(f"health {exporter.url}", ">&-")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="looks into /proc")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_serve_gives_the_number_of_a_closed_stream_to_no_file_of_its_own(closed: str, tmp_path: Path) -> None:
    port, rows = free_port(), tmp_path / "rows.csv"
    words = [*COMMAND, "serve", "--port", str(port), "--export-csv", str(rows), "--interval", "0.5"]
    line = f"exec {shlex.join(words)} {closed}"
    process = subprocess.Popen(["sh", "-c", line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: fetch(f"http://127.0.0.1:{port}/metrics").status == 200)
        assert [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in (1, 2)] == [os.devnull] * 2
    finally:
        process.terminate()
        assert process.wait(15) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_an_error_that_cannot_be_told_keeps_its_exit_code() -> None:
    with open("/dev/full", "w") as full:
        assert subprocess.run([*COMMAND, "--nonsense"], stderr=full, timeout=30, check=False).returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: signal.Signals(number).name)
def test_a_signal_ends_stats_without_a_traceback(number: int) -> None:
    process = subprocess.Popen([*COMMAND, "stats"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # Python has to start first; then it waits half a second to compute rates.
        time.sleep(0.4)
        process.send_signal(number)
    finally:
        out, error = process.communicate(timeout=15)
    assert "Traceback" not in error
    assert process.returncode != 0 or json.loads(out)
    if process.returncode != 0:
        assert out == ""


def test_health_is_0_where_an_exporter_answers(exporter: Exporter) -> None:
    for args in (
        ["--port", str(exporter.port)],
        [exporter.url],
        [f"{exporter.url}/"],
        [f"{exporter.url}/-/ready"],
    ):
        result = run("health", *args)
        assert (result.returncode, result.stderr) == (0, "")
        assert "200 OK" in result.stdout
    assert run("health", env={"HOST_EXPORTER_PORT": str(exporter.port)}).returncode == 0


def _unhealthy(*args: str) -> str:
    result = run("health", *args)
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    return result.stderr


def test_health_is_1_where_nobody_listens() -> None:
    assert "refused" in _unhealthy("--port", str(free_port()))


def test_health_is_1_for_a_host_that_is_not_there() -> None:
    _unhealthy("http://host.invalid:5000")


def test_health_is_1_for_a_path_that_is_not_there(exporter: Exporter) -> None:
    assert "404" in _unhealthy(f"{exporter.url}/nothing")


@contextmanager
def _socket_server(answer: bytes) -> Iterator[str]:
    """A server that sends every client the same response, whatever the request, and closes."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client, suppress(OSError):  # it may disconnect before it has read everything
                    client.settimeout(10)
                    client.recv(65536)
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="shutdown() wakes accept() on Linux only")
@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/1.1 abc\r\n\r\n", b"\xff" * 100_000],
    ids=["closes", "SSH", "TLS", "broken HTTP", "bytes"],
)
def test_health_is_1_for_a_server_that_speaks_no_http(answer: bytes) -> None:
    with _socket_server(answer) as url:
        assert url in _unhealthy(url)


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_health_is_1_for_an_error_answer(status: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as address:
        assert str(status) in _unhealthy(f"http://{address}")
