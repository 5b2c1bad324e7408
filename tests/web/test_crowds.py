"""Many clients at once that send slowly, send nothing or never read: a scraper is still served."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.serving.server import THREADS
from tests.support import COMMAND, Exporter
from tests.tools.bench_machine import cpu_seconds
from tests.tools.ports import free_port
from tests.web.crowd import SOON, crowd, given_up_after, saying, scrape, slowest_beside_drips

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"


def never_read(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall((REQUEST + b"\r\n") * 200)


def threads(exporter: Exporter) -> int:
    with open(f"/proc/{exporter.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Threads:"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_there_are_as_many_threads_as_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "performance.md"
    documented = re.search(r"\*\*Threads:\*\* (\d+) in all: (\d+) that answer", page.read_text(encoding="utf-8"))
    assert documented
    with Exporter() as exporter:
        for _ in range(20):
            scrape(exporter)
        assert [threads(exporter), THREADS] == [int(number) for number in documented.groups()]


CROWDS = {
    "silent": saying(b""),
    "half a header": saying(REQUEST),
    "blank lines": saying(b"\r\n\r\n\r\n"),
    "body that never comes": saying(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nx"),
    "chunks that never come": saying(b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "answers that nobody reads": never_read,
}


@pytest.mark.parametrize("greet", CROWDS.values(), ids=CROWDS)
def test_a_scraper_is_served_despite_clients_that_keep_the_server_waiting(
    exporter: Exporter, greet: Callable[..., None]
) -> None:
    with crowd(exporter, 30, greet):
        time.sleep(0.3)
        assert max(scrape(exporter) for _ in range(3)) < SOON


def test_a_scraper_is_served_despite_200_clients_that_drip(exporter: Exporter) -> None:
    with crowd(exporter, 200, saying(b"G")) as clients:
        assert slowest_beside_drips(exporter, clients, itertools.repeat(b"E")) < SOON


def test_a_header_that_drips_is_closed(exporter: Exporter) -> None:
    with crowd(exporter, 1, saying(b"G")) as [client]:
        assert 8 < given_up_after(client, lambda: client.send(b"E")) < 20


def test_a_request_in_pieces_and_two_in_one_piece_are_answered(exporter: Exporter) -> None:
    with crowd(exporter, 1, saying(b"GET /-/healthy HT")) as [client]:
        time.sleep(0.2)
        client.sendall(b"TP/1.1\r\nHost: x\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = b""
        while piece := client.recv(65536):
            text += piece
    assert text.count(b"HTTP/1.1 200 OK") == 2
    assert text.endswith(b"ready\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_more_clients_than_the_open_files_limit_cost_no_cpu() -> None:
    import resource

    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, usual[1]), usual[1]))
    try:
        with limited_exporter(100) as exporter, crowd(exporter, 150, saying(b"")):
            time.sleep(0.5)
            before = cpu_seconds(exporter.process.pid)
            time.sleep(2)
            assert cpu_seconds(exporter.process.pid) - before < 0.5
            assert scrape(exporter) < SOON
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def limited_exporter(files: int) -> Exporter:
    running = Exporter()
    running._command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *running._command]
    return running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_whatever_its_clients_do(number: int) -> None:
    """A worker used to miss the stop signal when clients had just gone, in about one of 25 attempts."""
    for round_ in range(12):
        with Exporter() as exporter:
            with crowd(exporter, 20, saying(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")):
                time.sleep(0.1)
            time.sleep(0.004 * round_)
            start = time.monotonic()
            assert exporter.stop(number) == 0
            assert time.monotonic() - start < 4
            assert exporter.log.endswith("stopping\n")


def test_ctrl_c_during_start_leaves_nothing_behind() -> None:
    for delay in range(0, 540, 30):
        # -X importtime says when Python has started and the program begins: before that, the traceback is Python's own.
        command = [COMMAND[0], "-X", "importtime", *COMMAND[1:], "serve", "--port", str(free_port())]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        try:
            assert any(line.split()[-1] == "signal" for line in process.stderr)
            # The program takes SIGINT over in the very next statement.
            time.sleep(0.05 + delay / 1000)
            process.send_signal(signal.SIGINT)
            _, text = process.communicate(timeout=40)
        finally:
            process.kill()
            process.wait()
        assert process.returncode in {0, 130}, (delay, text)
        assert "Traceback" not in text, (delay, text)
