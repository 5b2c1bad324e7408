"""The server's main loop: accepts connections, reads requests as they arrive, sends what clients are slow to read.

Only its thread takes connections out of the selector. Workers put those back that wait for the next request; all others
they hand over.
"""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections import deque
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

from cheroot.connections import ConnectionManager

from exporter.serving.capacity import connections_allowed
from exporter.serving.connection import Connection
from exporter.serving.outbox import MOST_UNSENT, unsent

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("exporter")

PAUSE = 0.01
"""Seconds to wait if no connection can be accepted and none closed: no room, no file descriptor, no memory."""


class Waker:
    """Wakes the loop through a socket pair."""

    last_used = inf

    def __init__(self) -> None:
        self.socket, self._far_end = socket.socketpair()
        self.socket.setblocking(False)
        self._far_end.setblocking(False)

    def wake(self) -> None:
        """Wake the loop."""
        with suppress(OSError):  # full of calls that it has not heard yet, or closed
            self._far_end.send(b"x")

    def hear(self) -> None:
        """Forget the calls so far."""
        with suppress(OSError):
            self.socket.recv(4096)

    def close(self) -> None:
        """Close both ends."""
        self.socket.close()
        self._far_end.close()


class Loop(ConnectionManager):
    """cheroot's loop, for connections that are also waited for while they are sent something."""

    _selector: Any

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self._room = connections_allowed()
        self._handed: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._waker = Waker()
        self._selector.register(self._waker.socket.fileno(), selectors.EVENT_READ, self._waker)

    def put(self, conn: Connection) -> None:
        """Take a connection back from a worker that has answered a request."""
        try:
            conn.last_used = time.time()
            if conn.wfile.left or conn.rfile.has_data():
                self._handed.append(conn)
                self._waker.wake()
            else:
                self._selector.register(conn.socket.fileno(), selectors.EVENT_READ, conn)
        except (OSError, ValueError, LookupError, MemoryError):  # an error here would end the worker, and the server
            conn.close()

    def take(self, conn: Any) -> None:
        """Go on with a connection on which something has happened."""
        if conn is self._waker:
            self._waker.hear()
            self._selector.register(self._waker.socket.fileno(), selectors.EVENT_READ, self._waker)
            while self._handed:
                conn = self._handed.popleft()
                self._go_on(conn)
                if conn.wfile.left:
                    self._drop_the_slowest(conn)
        else:
            self._go_on(conn)

    def finish(self, seconds: float) -> None:
        """Wait until every answer is sent, or for that many seconds. Called from another thread."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(conn.wfile.left for conn in tuple(self._open)):
            time.sleep(0.02)

    def end(self) -> None:
        """Leave the loop. Called from another thread."""
        self._stop_requested = True
        self._waker.wake()

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._waker.close()

    def forget(self, conn: Connection) -> None:
        """Stop counting a connection, which is being closed."""
        self._open.discard(conn)

    def _go_on(self, conn: Connection) -> None:
        try:
            if self._sends(conn):
                self._reads(conn)
        except Exception:  # out of memory, for example: nothing else would ever close it
            log.debug("connection", exc_info=True)
            conn.close()

    def _sends(self, conn: Connection) -> bool:
        """Send more of an answer; return whether the connection is ready for the next request."""
        if not conn.wfile.left:
            return True
        conn.go_on_sending()
        if conn.wfile.left:
            self._wait(conn, selectors.EVENT_WRITE)
            return False
        if conn.ends:
            conn.receive()  # what is left unread makes the system cut off the answer
            conn.close()
            return False
        conn.last_used = time.time()
        return True

    def _reads(self, conn: Connection) -> None:
        if not conn.has_begun():
            conn.last_used = time.time()
        if not conn.rfile.is_ready():
            conn.receive()
        if (conn.rfile.ended and not conn.rfile.has_data()) or conn.is_outdated():
            conn.close()
        elif not conn.rfile.is_ready():
            # ``last_used`` is when handshake or request began, so a slow sender has 10 s in all.
            self._wait(conn, conn.waits_for)
        elif conn.takes_answers():
            self.server.requests.put(conn)
        else:  # it has not read its last answer; within 10 s it should
            self._wait(conn, selectors.EVENT_WRITE)

    def _wait(self, conn: Connection, event: int) -> None:
        self._selector.register(conn.socket.fileno(), event, conn)

    def _waiting(self) -> Iterator[tuple[int, Connection]]:
        return ((fd, conn) for fd, conn in self._selector.connections if isinstance(conn, Connection))

    def _drop_the_slowest(self, newest: Connection) -> None:
        """Keep within MOST_UNSENT by closing the connections that have taken nothing for longest."""
        slow = [(conn.last_used, fd, conn) for fd, conn in self._waiting() if conn.wfile.left]
        slow.sort(reverse=True, key=lambda each: each[:2])
        while slow and unsent(conn.wfile for _, _, conn in slow) > MOST_UNSENT:
            _, fd, conn = slow.pop()
            if conn is not newest:
                self._close(fd, conn)

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest; return whether there was one."""
        oldest = min(((conn.last_used, fd) for fd, conn in self._waiting()), default=None)
        if oldest is None:
            return False
        fd = oldest[1]
        self._close(fd, next(conn for number, conn in self._waiting() if number == fd))
        return True

    def _close(self, fd: int, conn: Connection) -> None:
        self._selector.unregister(fd)
        conn.close()

    def _from_server_socket(self, server_socket: socket.socket) -> Connection | None:
        """Accept a connection if there is room for it; until there is, it waits in the system's queue."""
        if len(self._open) >= self._room and not self._make_room():
            time.sleep(PAUSE)  # all have a request in progress
            return None
        try:
            conn: Connection | None = super()._from_server_socket(server_socket)  # type: ignore[misc]
        except (OSError, MemoryError) as reason:  # no file descriptor, for example
            log.debug("cannot accept a connection: %s", reason)
            if not self._make_room():
                time.sleep(PAUSE)
            return None
        if conn is not None:
            self._open.add(conn)
        return conn
