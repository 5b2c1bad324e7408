"""The production server: cheroot with a thread pool in one process, on Linux, macOS and Windows."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, cast

from cheroot import wsgi

from exporter import __version__
from exporter.address import is_loopback
from exporter.errors import ServerError, cause, shortage
from exporter.serving.capacity import CONNECTIONS, check_files
from exporter.serving.connection import Connection
from exporter.serving.inbox import LARGEST_HEADER
from exporter.serving.loop import Loop
from exporter.serving.reach import LOOPBACK, reachable
from exporter.serving.workers import Workers
from exporter.signals import ENDING, no_more, on_end
from exporter.threads import ThreadError, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from exporter.access import Access

log = logging.getLogger("exporter")

THREADS = 6

FAREWELL = 3.0
"""Seconds at the end in which clients can read the rest of large answers."""

HOUSEKEEPING = 5.0
"""Seconds between checks for connections that timed out: idle for 10 s, or still sending a header. cheroot's default of
0.5 s would keep waking an idle machine."""


IMPATIENCE = 1.0
"""Seconds after the first signal before another one forces the exit: terminals and supervisors often send two."""


class Server(wsgi.Server):
    """cheroot, but quiet: its messages, tracebacks included, are logged at debug level only."""

    ConnectionClass = Connection
    expiration_interval = HOUSEKEEPING
    keep_alive_conn_limit = CONNECTIONS
    _connections: Any
    access: Access | None = None
    """TLS and passwords; None serves everyone over plain HTTP."""
    in_container = False
    refused: OSError | None = None
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
        """Bind, listen and start the workers, so that ``serve`` can start at once. Raises OSError and ThreadError."""
        self.requests = Workers(self, min=THREADS)
        super().prepare()
        self._connections.close()  # cheroot's own, which has nothing but the socket to listen on
        self._connections = Loop(self)

    def bind(self, *address: Any, **more: Any) -> socket.socket:
        """Bind to one of the host's addresses. cheroot buries errors in a text of its own: keep what the first said."""
        try:
            return cast("socket.socket", super().bind(*address, **more))
        except OSError as reason:
            self.refused = self.refused or reason
            raise

    def process_conn(self, conn: Any) -> None:
        """Go on with a connection on which something has happened. Called by the loop."""
        self._connections.take(conn)

    def put_conn(self, conn: Any) -> None:
        """Take a connection back from a worker; at the end, send the rest of its answer here and close it."""
        if self.ready:
            self._connections.put(conn)
        else:
            with suppress(OSError):
                conn.wfile.drain(FAREWELL)
            conn.close()

    def serve(self) -> None:
        """Serve until ``end`` is called. cheroot's own would start a thread more, for connections beyond its queue."""
        while self.ready:
            try:
                self._connections.run(self.expiration_interval)
            except Exception:
                log.debug("server", exc_info=True)

    def end(self) -> None:
        """Stop serving once the requests in progress are answered."""
        self._connections.finish(FAREWELL)
        self._connections.end()
        self.stop()

    def on_close(self, conn: Any) -> None:
        """Forget a connection that is being closed."""
        self._connections.forget(conn)

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
        check_files()
    except OSError as reason:
        text, advice = cause(server.refused or reason), "give another --host or --port"
        if lacking := shortage(server.refused or reason):
            text, _, advice = lacking.rpartition("; ")
        raise ServerError(f"cannot listen on {host}, port {port}: {text}; {advice}") from None
    except UnicodeError:  # a name that IDNA cannot encode
        raise ServerError(f"cannot listen on {host}, port {port}: not a host name; give another --host") from None
    return server


class StopSignals:
    """Handles Ctrl-C, SIGTERM and the like once created: the first asks the program to stop, a later one forces it."""

    def __init__(self) -> None:
        self._since = inf
        self._failed = False
        self._arrived, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        on_end(self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        # Don't raise here: an exception at an arbitrary point in the thread pool leaves workers waiting forever.
        if time.monotonic() - self._since > IMPATIENCE:
            os._exit(128 + number)
        self._since = min(self._since, time.monotonic())

    def fail(self) -> None:
        """End the wait, because the program cannot go on. Called from another thread."""
        self._failed = True
        with suppress(OSError):
            self._bell.send(b"\0")

    def wait(self) -> bool:
        """Block until the first signal; return False if the program cannot go on without one."""
        # Python runs handlers in the main thread once it is awake. A signal that arrives just before the thread blocks
        # would not wake it; the byte written to the wakeup socket does. Each byte is a signal number.
        with self._arrived, self._bell:
            signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
            while self._since == inf and not self._failed and ENDING.isdisjoint(self._arrived.recv(64)):
                pass
            signal.set_wakeup_fd(-1)
        return not self._failed


def run(server: Server, stop: StopSignals, on_start: Callable[[], None], on_stop: Callable[[], None]) -> None:
    """Serve until Ctrl-C, SIGTERM or the like, then finish the requests in progress. Main thread only.

    Raises ThreadError if it cannot begin, and ServerError if the server ends by itself.
    """

    def serve() -> None:
        try:
            server.serve()
        finally:
            stop.fail()

    try:
        serving = start(serve, "server")
    except ThreadError:
        on_stop()
        raise
    on_start()
    asked = stop.wait()
    log.info("stopping")
    server.end()
    serving.join()
    on_stop()
    with suppress(AttributeError, OSError, ValueError):  # the parent closed it
        sys.stderr.flush()
    # A terminal or the one-file program's parent may send the signal once more. During its shutdown Python restores the
    # default handlers, and the signal would kill the process.
    no_more()
    if not asked:
        raise ServerError("the server has ended by itself, probably because memory ran out; start it again")
