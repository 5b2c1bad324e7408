"""A connection that the server cannot go on with is closed: its client is not left waiting for an answer."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from exporter.serving.connection import Connection
from exporter.serving.server import open_server
from tests.support import wait_for
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest


def _alive(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"alive"]


def _ask(port: int, filling: int = 0) -> bytes:
    """Return what a client receives until its connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        more = b"X-Filling: %s\r\n" % (b"x" * filling)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n" % more)
        answer = b""
        try:
            while data := client.recv(4096):
                answer += data
        except ConnectionResetError:
            pass
        return answer


def test_a_connection_that_no_memory_is_left_for_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    server = open_server(_alive, "127.0.0.1", port)
    serving = threading.Thread(target=server.serve)
    serving.start()
    try:
        wait_for(lambda: server.ready)
        receive = Connection.receive
        failures = iter([MemoryError])

        def receive_or_fail(conn: Connection) -> None:
            for error in failures:
                raise error
            receive(conn)

        monkeypatch.setattr(Connection, "receive", receive_or_fail)
        assert _ask(port) == b""
        assert _ask(port).endswith(b"alive"), "the server goes on"
        # Received in many pieces, and to the last: what is left unread would reset the connection.
        for _ in range(20):
            assert _ask(port, filling=40_000).endswith(b"alive")
    finally:
        server.end()
        serving.join()
