"""Answers of any size: no worker waits for a client that is slow to read one, and memory for them is limited."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from exporter.access import Access
from exporter.serving.outbox import MOST_UNSENT, unsent
from exporter.serving.server import Server, open_server
from tests.support import wait_for
from tests.support_access import TLS, Authority, trusting
from tests.tools.ports import free_port
from tests.web.crowd import SOON

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

MIB = 1024 * 1024
SHARED = {size: bytes(size) for size in (1, 5 * MIB, 30 * MIB)}
CLOSE = b"Connection: close\r\n"


def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answer /same/N with N bytes, always the same object, and /own/N with an object for each request."""
    _, kind, size = environ["PATH_INFO"].split("/")
    body = SHARED[int(size)] if kind == "same" else bytes(int(size))
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


@contextlib.contextmanager
def serving(
    access: Access | None = None, patience: float = 10, application: Callable[..., Any] = app
) -> Iterator[Server]:
    """Run a server that gives a client up after ``patience`` seconds."""
    server = open_server(application, "127.0.0.1", free_port(), access)
    server.timeout, server.expiration_interval = patience, 0.2
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.end()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access")
    Authority(folder).issue("server")
    (folder / "web.yml").write_text(TLS, encoding="utf-8")
    return folder


@pytest.fixture(params=["plain", "TLS"])
def tls(request: pytest.FixtureRequest, folder: Path) -> tuple[Access, ssl.SSLContext] | None:
    return (Access(str(folder / "web.yml")), trusting(folder)) if request.param == "TLS" else None


def request(path: str, method: str = "GET", more: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n".encode() + more + b"\r\n"


@contextlib.contextmanager
def client(server: Server, context: ssl.SSLContext | None = None, text: bytes = b"") -> Iterator[socket.socket]:
    """Connect with a small receive buffer, and send ``text``."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(60)
        plain.connect(server.bind_addr)
        with context.wrap_socket(plain, server_hostname="localhost") if context else plain as sock:
            sock.sendall(text)
            yield sock


def read_all(sock: socket.socket) -> bytes:
    """Return what arrives until the connection is closed; what arrived before a reset is lost."""
    pieces = []
    while piece := sock.recv(MIB):
        pieces.append(piece)
    return b"".join(pieces)


def seconds_for_a_small_one(server: Server, context: ssl.SSLContext | None = None) -> float:
    begin = time.monotonic()
    with client(server, context, request("/same/1", more=CLOSE)) as sock:
        assert read_all(sock).endswith(b"\r\n\r\n\0")
    return time.monotonic() - begin


def kept(server: Server) -> int:
    """Return the bytes of answers that wait to be sent."""
    return unsent(conn.wfile for conn in tuple(server._connections._open))


@pytest.mark.parametrize("size", [5 * MIB, 30 * MIB])
def test_a_large_answer_arrives_whole(tls: tuple[Access, ssl.SSLContext] | None, size: int) -> None:
    access, context = tls or (None, None)
    with serving(access) as server:
        with client(server, context, request(f"/own/{size}", more=CLOSE)) as sock:
            assert len(read_all(sock).partition(b"\r\n\r\n")[2]) == size
        with client(server, context, request(f"/own/{size}", "HEAD", CLOSE)) as sock:
            header, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert f"Content-Length: {size}".encode() in header
        assert body == b""


def test_several_requests_in_one_piece_get_their_large_answers(tls: tuple[Access, ssl.SSLContext] | None) -> None:
    access, context = tls or (None, None)
    asked = [request(f"/own/{5 * MIB}")] * 3 + [request("/same/1")] * 2 + [request(f"/own/{5 * MIB}", more=CLOSE)]
    with serving(access) as server, client(server, context, b"".join(asked)) as sock:
        got = read_all(sock)
    assert got.count(b"HTTP/1.1 200 OK") == 6
    assert len(got) > 20 * MIB


def test_a_connection_is_used_again_after_a_large_answer(tls: tuple[Access, ssl.SSLContext] | None) -> None:
    access, context = tls or (None, None)
    with serving(access) as server, client(server, context) as sock, sock.makefile("rb") as answers:
        for _ in range(3):
            sock.sendall(request(f"/own/{5 * MIB}"))
            while answers.readline() != b"\r\n":
                pass
            assert len(answers.read(5 * MIB)) == 5 * MIB


@pytest.mark.parametrize("size", [5 * MIB, 30 * MIB])
def test_clients_that_do_not_read_take_no_worker(tls: tuple[Access, ssl.SSLContext] | None, size: int) -> None:
    access, context = tls or (None, None)
    with serving(access) as server, contextlib.ExitStack() as crowd:
        for _ in range(24):
            crowd.enter_context(client(server, context, request(f"/same/{size}")))
        wait_for(lambda: kept(server) == size, what="answers are not waiting")
        assert max(seconds_for_a_small_one(server, context) for _ in range(5)) < SOON
        wait_for(lambda: server.requests.idle == server.numthreads, what="workers wait for clients")
        assert len([conn for conn in server._connections._open if conn.wfile.left]) == 24


def test_a_client_that_takes_next_to_nothing_is_given_up(tls: tuple[Access, ssl.SSLContext] | None) -> None:
    access, context = tls or (None, None)
    with serving(access, patience=1) as server, client(server, context, request(f"/own/{5 * MIB}")) as sock:
        wait_for(lambda: kept(server), what="the answer does not wait")
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            while kept(server) and time.monotonic() - begin < 30 and sock.recv(1):
                time.sleep(0.05)
        assert kept(server) == 0
        assert not server._connections._open


def test_memory_for_slow_clients_is_limited_and_those_that_read_are_spared() -> None:
    with serving() as server, contextlib.ExitStack() as crowd:
        reader = crowd.enter_context(client(server, None, request(f"/own/{5 * MIB}", more=CLOSE)))
        got = 0
        for number in range(24):
            crowd.enter_context(client(server, None, request(f"/own/{5 * MIB}")))
            most = min(number, 5) * 5 * MIB
            wait_for(lambda most=most: kept(server) > most)  # type: ignore[misc]
            while got < (number + 1) * 5 * MIB // 30:
                got += len(reader.recv(MIB))
                time.sleep(0.001)
            wait_for(lambda: kept(server) <= MOST_UNSENT)
        assert got + len(read_all(reader)) > 5 * MIB


def test_an_answer_that_many_clients_get_is_in_memory_once() -> None:
    with serving() as server, contextlib.ExitStack() as crowd:
        clients = [crowd.enter_context(client(server, None, request(f"/same/{5 * MIB}"))) for _ in range(100)]
        wait_for(lambda: len([conn for conn in server._connections._open if conn.wfile.left]) == len(clients))
        assert kept(server) == 5 * MIB


def test_an_answer_that_is_being_read_at_the_end_is_finished(tls: tuple[Access, ssl.SSLContext] | None) -> None:
    access, context = tls or (None, None)
    with serving(access) as server, client(server, context, request(f"/own/{5 * MIB}", more=CLOSE)) as sock:
        wait_for(lambda: kept(server))
        ending = threading.Thread(target=server.end)
        ending.start()
        assert len(read_all(sock)) > 5 * MIB
        ending.join()


def test_clients_that_do_not_read_do_not_hold_up_the_end() -> None:
    with contextlib.ExitStack() as crowd:
        with serving() as server:
            for _ in range(10):
                crowd.enter_context(client(server, None, request(f"/same/{5 * MIB}")))
            wait_for(lambda: kept(server))
            begin = time.monotonic()
        assert time.monotonic() - begin < 15


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the kernel's view of a connection is read on Linux")
def test_what_is_given_up_leaves_the_kernel_too() -> None:
    with serving(patience=1) as server, client(server, None, request(f"/own/{5 * MIB}")) as sock:
        wait_for(lambda: not server._connections._open, what="the client is not given up")

        def is_reset() -> bool:
            state = struct.unpack_from("B", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0]
            return bool(state == 7)  # TCP_CLOSE: a reset; a mere end of the stream would be CLOSE_WAIT

        wait_for(is_reset, what="the connection is not reset")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_nothing_is_computed_for_clients_that_are_gone() -> None:
    asked: list[str] = []
    others_are_gone = threading.Event()

    def slow(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/slow":
            assert others_are_gone.wait(30)
        start("200 OK", [("Content-Length", "0")])
        return []

    with serving(application=slow) as server, contextlib.ExitStack() as crowd:
        for _ in range(server.numthreads):
            crowd.enter_context(client(server, None, request("/slow")))
        wait_for(lambda: server.requests.idle == 0)
        for _ in range(20):
            with client(server, None, request("/gone")) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for(lambda: server.requests.qsize == 20)
        others_are_gone.set()
        with client(server, None, request("/still-there", more=CLOSE)) as sock:
            assert read_all(sock).startswith(b"HTTP/1.1 200 OK")
    assert "/gone" not in asked
    assert "/still-there" in asked
