"""The production server: cheroot with a thread pool in one process, on Linux, macOS and Windows."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, cast

from cheroot import wsgi

from exporter import __version__
from exporter.address import is_loopback
from exporter.errors import ServerError, cause
from exporter.serving.capacity import CONNECTIONS, connections_allowed
from exporter.serving.connection import LARGEST_HEADER, Connection
from exporter.serving.reach import LOOPBACK, reachable
from exporter.signals import ENDING, no_more, on_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from exporter.access import Access

log = logging.getLogger("exporter")

THREADS = 6

HOUSEKEEPING = 5.0
"""Seconds between checks for connections that timed out: idle for 10 s, or still sending a header. cheroot's default of
0.5 s would keep waking an idle machine."""


IMPATIENCE = 1.0
"""Seconds after the first signal before another one forces the exit: terminals and supervisors often send two."""


class Waker:
    """Wakes the server's event loop through a socket pair."""

    last_used = inf

    def __init__(self) -> None:
        self.socket, self._far_end = socket.socketpair()

    def wake(self) -> None:
        """Wake the event loop."""
        self._far_end.send(b"x")

    def close(self) -> None:
        """Close both ends."""
        self.socket.close()
        self._far_end.close()


class Server(wsgi.Server):
    """cheroot, but quiet: its messages, tracebacks included, are logged at debug level only."""

    ConnectionClass = Connection
    expiration_interval = HOUSEKEEPING
    keep_alive_conn_limit = CONNECTIONS
    access: Access | None = None
    """TLS and passwords; None serves everyone over plain HTTP."""
    in_container = False
    refused = ""
    """Why the first of the host's addresses cannot be listened on."""

    @property
    def url(self) -> str:
        """The URL for a browser, also on another machine if it can reach this one.

        A container's own address is of use to nobody; its ports are published on those of the machine.
        """
        listening = self.bind_addr[0]
        host = LOOPBACK.get(listening, listening) if self.in_container else reachable(listening)
        scheme = "https" if self.access and self.access.rules().context else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.bind_addr[1]}"

    @property
    def is_open(self) -> bool:
        """Whether other machines may be able to reach it."""
        return not is_loopback(self.bind_addr[0])

    def prepare(self) -> None:
        """Bind and listen, so that ``serve`` can start at once."""
        super().prepare()
        self._waker = Waker()
        # cheroot gives no public access to the selector of its idle connections.
        self._waiting = self._connections._selector  # type: ignore[attr-defined]  # noqa: SLF001
        self._waiting.register(self._waker.socket.fileno(), selectors.EVENT_READ, self._waker)
        self._room = connections_allowed()

    def bind(self, *address: Any, **more: Any) -> socket.socket:
        """Bind to one of the host's addresses. cheroot buries errors in a text of its own: keep what the first said."""
        try:
            return cast("socket.socket", super().bind(*address, **more))
        except OSError as reason:
            self.refused = self.refused or cause(reason)
            raise

    def process_conn(self, conn: Any) -> None:
        """Pass a connection to a worker once a complete request header has arrived; until then, put it back to wait."""
        if conn is self._waker:
            return
        try:
            self._advance(conn)
        except Exception:  # out of memory, for example: nothing else would ever close it
            conn.close()
            raise

    def _advance(self, conn: Any) -> None:
        if not conn.has_begun():
            conn.last_used = time.time()
        if not conn.rfile.is_ready():
            conn.receive()
        if (conn.rfile.ended and not conn.rfile.has_data()) or conn.is_outdated():
            conn.close()
        elif not conn.rfile.is_ready():
            self._keep_waiting(conn)
        elif conn.takes_answers():
            super().process_conn(conn)
        else:
            conn.close()

    def _keep_waiting(self, conn: Any) -> None:
        """Wait for more input. ``last_used`` is when handshake or request began, so a slow sender has 10 s in all."""
        if len(self._waiting) > self._room:
            waiting = [(c.last_used, fd) for fd, c in self._waiting.connections if isinstance(c, Connection)]
            _, oldest = min(waiting)
            found = next(c for fd, c in self._waiting.connections if fd == oldest)
            self._waiting.unregister(oldest)
            found.close()
        self._waiting.register(conn.socket.fileno(), conn.waits_for, conn)

    def end(self) -> None:
        """Stop serving once the requests in progress are answered."""
        self._connections._stop_requested = True  # type: ignore[attr-defined]  # noqa: SLF001 - exits when woken
        self._waker.wake()
        self.stop()
        self._waker.close()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: ARG002
        """Log an error inside the server, at debug level: most are clients that disconnected."""
        log.debug("server: %s", msg, exc_info=traceback)


def open_server(app: Callable[..., Any], host: str, port: int, access: Access | None = None) -> Server:
    """Return a server that is already listening. Raises ServerError with the reason in one line."""
    server = Server(
        (host, port),
        app,
        numthreads=THREADS,
        server_name=f"host-exporter/{__version__}",
        request_queue_size=128,
    )
    server.max_request_header_size = LARGEST_HEADER
    server.access = access
    try:
        server.prepare()
    except OSError as reason:
        text = server.refused or cause(reason)
        raise ServerError(f"cannot listen on {host}, port {port}: {text}; give another --host or --port") from None
    except UnicodeError:  # a name that IDNA cannot encode
        raise ServerError(f"cannot listen on {host}, port {port}: not a host name; give another --host") from None
    return server


class StopSignals:
    """Handles Ctrl-C, SIGTERM and the like once created: the first asks the program to stop, a later one forces it."""

    def __init__(self) -> None:
        self._since = inf
        on_end(self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        # Don't raise here: an exception at an arbitrary point in the thread pool leaves workers waiting forever.
        if time.monotonic() - self._since > IMPATIENCE:
            os._exit(128 + number)
        self._since = min(self._since, time.monotonic())

    def wait(self) -> None:
        """Block until the first signal."""
        # Python runs handlers in the main thread once it is awake. A signal that arrives just before the thread blocks
        # would not wake it; the byte written to the wakeup socket does. Each byte is a signal number.
        arrived, bell = socket.socketpair()
        with arrived, bell:
            bell.setblocking(False)
            signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
            while self._since == inf and ENDING.isdisjoint(arrived.recv(64)):
                pass
            signal.set_wakeup_fd(-1)


def run(server: Server, stop: StopSignals, on_stop: Callable[[], None]) -> None:
    """Serve until Ctrl-C, SIGTERM or the like, then finish the requests in progress. Main thread only."""
    serving = threading.Thread(target=server.serve, name="server")
    serving.start()
    stop.wait()
    log.info("stopping")
    while not server.ready and serving.is_alive():  # told to stop before it was up
        time.sleep(0.01)
    server.end()
    serving.join()
    on_stop()
    with suppress(AttributeError, OSError, ValueError):  # the parent closed it
        sys.stderr.flush()
    # A terminal or the one-file program's parent may send the signal once more. During its shutdown Python restores the
    # default handlers, and the signal would kill the process.
    no_more()
