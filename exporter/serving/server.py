"""The production server: cheroot, threads in one process, on Linux, macOS and Windows alike."""

from __future__ import annotations

import logging
import os
import re
import selectors
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from cheroot import wsgi

from exporter import __version__
from exporter.errors import ServerError
from exporter.serving.connection import LARGEST_HEADER, Connection

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from exporter.access import Access

log = logging.getLogger("exporter")

THREADS = 6

CONNECTIONS = 200
"""Connections that may be open at a time; for one more the one that has been silent for longest is closed."""

FILES = 56
"""File descriptors that are left for everything else, where the system allows fewer than that many connections."""

HOUSEKEEPING = 5.0
"""Seconds between looks for connections to close, those that were silent for 10 s or are still sending a header;
cheroot's 0.5 s would keep an idle machine awake."""


IMPATIENCE = 1.0
"""Seconds after the first signal from which another one means: now. Terminals and supervisors often send two."""


class Waker:
    """Ends the server's wait for its clients: a connection to itself."""

    last_used = inf

    def __init__(self) -> None:
        self.socket, self._far_end = socket.socketpair()

    def wake(self) -> None:
        """End the wait."""
        self._far_end.send(b"x")

    def close(self) -> None:
        """Close both ends."""
        self.socket.close()
        self._far_end.close()


class Server(wsgi.Server):
    """cheroot, quiet: what it has to say goes to the log, tracebacks only in debug."""

    ConnectionClass = Connection
    expiration_interval = HOUSEKEEPING
    keep_alive_conn_limit = CONNECTIONS
    access: Access | None = None
    """Who may come in, and by TLS or not; None: everybody, without."""

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host, port = self.bind_addr[:2]
        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        scheme = "https" if self.access and self.access.rules().context else "http"
        return f"{scheme}://{local}:{port}"

    def prepare(self) -> None:
        """Listen, and be ready to serve."""
        super().prepare()
        self._waker = Waker()
        # cheroot has no other way to its waiting room.
        self._waiting = self._connections._selector  # type: ignore[attr-defined]  # noqa: SLF001
        self._waiting.register(self._waker.socket.fileno(), selectors.EVENT_READ, self._waker)
        self._room = connections_allowed()

    def process_conn(self, conn: Any) -> None:
        """Hand a connection to a worker once a whole request header has arrived, and keep it waiting until then."""
        if conn is self._waker:
            return
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
        """Wait for more. ``last_used`` is when handshake or request began: who drips has 10 s for the whole of it."""
        if len(self._waiting) > self._room:
            waiting = [(c.last_used, fd) for fd, c in self._waiting.connections if isinstance(c, Connection)]
            _, oldest = min(waiting)
            found = next(c for fd, c in self._waiting.connections if fd == oldest)
            self._waiting.unregister(oldest)
            found.close()
        self._waiting.register(conn.socket.fileno(), conn.waits_for, conn)

    def end(self) -> None:
        """Stop serving; requests under way are answered first."""
        self._connections._stop_requested = True  # type: ignore[attr-defined]  # noqa: SLF001 - the next wait is the last
        self._waker.wake()
        self.stop()
        self._waker.close()

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: ARG002
        """Log what went wrong inside the server; most of it is clients that went away."""
        log.debug("server: %s", msg, exc_info=traceback)


def connections_allowed() -> int:
    """Return how many connections may wait: fewer than usual where the system allows few open files."""
    if resource is None:
        return CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files < 0 else max(4, min(CONNECTIONS, files - FILES))


def open_server(app: Callable[..., Any], host: str, port: int, access: Access | None = None) -> Server:
    """Return a server that listens already. Raises ServerError with the reason in one line."""
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
        # cheroot packs the real reason into a text: "No socket could be created -- (...: [Errno 98] ...)".
        found = re.search(r"\[Errno -?\d+\] ([^)]+)", str(reason))
        text = found[1] if found else reason.strerror or str(reason)
        raise ServerError(f"cannot listen on {host}, port {port}: {text}; give another --host or --port") from None
    except UnicodeError:  # a name that no name server could know
        raise ServerError(f"cannot listen on {host}, port {port}: not a host name; give another --host") from None
    return server


class StopSignals:
    """Ctrl-C and SIGTERM from its making on: the first asks to stop; one that comes later ends the program at once."""

    def __init__(self) -> None:
        self._since = inf
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        # Nothing is raised here: an exception at any place of a thread pool leaves workers that wait for ever.
        if time.monotonic() - self._since > IMPATIENCE:
            os._exit(128 + number)
        self._since = min(self._since, time.monotonic())

    def wait(self) -> None:
        """Wait until the first."""
        # Handlers run in the main thread once that is awake. A signal in the moment before it falls asleep would not
        # wake it; a byte that waits for it does. Each byte is a signal's number.
        arrived, bell = socket.socketpair()
        with arrived, bell:
            bell.setblocking(False)
            signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
            while self._since == inf and not {signal.SIGTERM, signal.SIGINT} & set(arrived.recv(64)):
                pass
            signal.set_wakeup_fd(-1)


def run(server: Server, stop: StopSignals, on_stop: Callable[[], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; requests under way are answered first. Main thread only."""
    serving = threading.Thread(target=server.serve, name="server")
    serving.start()
    stop.wait()
    log.info("stopping")
    while not server.ready and serving.is_alive():  # asked to stop before it has begun
        time.sleep(0.01)
    server.end()
    serving.join()
    on_stop()
    with suppress(AttributeError, OSError, ValueError):  # closed by who started us
        sys.stderr.flush()
    # What a terminal or the one-file program sends once more is about to come. Python, while it ends, would leave it to
    # the system, which kills.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
