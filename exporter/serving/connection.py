"""What clients send, received without waiting: a worker gets a request only once its header is whole.

A worker that waits for a slow client is missing to all others, and a few such clients lock everybody out.
"""

from __future__ import annotations

import select
import selectors
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cheroot.errors import FatalSSLAlert, NoSSLError
from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection, HTTPRequest

from exporter.serving.opening import Opening

if TYPE_CHECKING:
    import socket

LARGEST_HEADER = 64 * 1024
"""Bytes: more is no request of ours, and must not fill the memory."""

ROOM = 256 * 1024
"""Bytes of an answer that the system takes for a client which reads slowly; the largest are some 60 KiB."""

_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Inbox:
    """The bytes that have arrived on a connection, as the file that cheroot reads a request from. Never waits."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else _none_pending
        self._data = bytearray()
        self._record_begun = False
        self.closed = False
        self.ended = False
        self.bytes_read = 0

    def receive(self) -> None:
        """Take over what has arrived."""
        patience = self._socket.gettimeout()
        before = len(self._data)
        try:
            self._socket.settimeout(0)
            self._take_over()
        except _NOTHING_YET as reason:
            # A part of a TLS record: nothing to read yet, but its time runs.
            self._record_begun = isinstance(reason, ssl.SSLError) and len(self._data) == before
        except (OSError, ValueError):  # reset by the client, or closed already
            self.ended = True
        else:
            self._record_begun = False
        finally:
            with suppress(OSError):
                self._socket.settimeout(patience)

    def _take_over(self) -> None:
        while not self.ended and len(self._data) < LARGEST_HEADER:
            data = self._socket.recv(LARGEST_HEADER)
            self._data += data
            self.ended = not data
            # What TLS has decrypted already wakes nobody: the system knows nothing of it.
            if not self._pending():
                break

    def has_begun(self) -> bool:
        """Return whether a request has begun to arrive."""
        return self._record_begun or self.has_data()

    def has_data(self) -> bool:
        """Return whether there is something to read."""
        return bool(self._data) or self._pending() > 0

    def is_ready(self) -> bool:
        """Return whether a worker can do something: with a whole header, one too large, or the end."""
        begun = self._data.lstrip(b"\r\n")
        return b"\n\r\n" in begun or b"\n\n" in begun or len(self._data) >= LARGEST_HEADER or self.ended

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes of what is there."""
        return self._take(len(self._data) if size is None or size < 0 else size)

    def readline(self, size: int = -1) -> bytes:
        """Return a line of what is there, or what there is of it, up to ``size`` bytes."""
        end = self._data.find(b"\n") + 1 or len(self._data)
        return self._take(end if size is None or size < 0 else min(end, size))

    def close(self) -> None:
        """Forget everything."""
        self.closed = True
        self._data.clear()

    def _take(self, size: int) -> bytes:
        data = bytes(self._data[:size])
        del self._data[:size]
        self.bytes_read += len(data)
        return data


class Request(HTTPRequest):
    """What a client sends wrongly is the client's fault: cheroot says 500 or 501 to some of it."""

    def parse_request(self) -> None:
        """Read a request; whatever the parser stumbles over is a bad request."""
        try:
            super().parse_request()
        except (OSError, FatalSSLAlert, NoSSLError):
            raise  # the connection, not the request
        except Exception:  # noqa: BLE001 - urlsplit's ValueError, an UnboundLocalError in the header reader
            self.simple_response("400 Bad Request", "Malformed request")
            self.close_connection = True
        # Nothing that is served takes a body. What comes of one must not be taken for the next request.
        if b"Content-Length" in self.inheaders or b"Transfer-Encoding" in self.inheaders:
            self.close_connection = True

    def simple_response(self, status: str, msg: str = "") -> None:
        """Answer without the application."""
        if status.startswith("501"):
            status = "400 Bad Request"
        elif status.startswith("405"):  # to CONNECT; cheroot takes no header for an answer of its own
            status += "\r\nAllow: GET, HEAD, OPTIONS"
        super().simple_response(status, msg)


class Connection(HTTPConnection):
    """A connection that is read by an Inbox, and its requests as above; with TLS where the server's access says so."""

    RequestHandlerClass = Request

    def __init__(self, server: Any, sock: Any, makefile: Any) -> None:
        super().__init__(server, sock, makefile)
        self.rfile.close()
        self.rfile = Inbox(sock)
        self.last_used = time.time()
        self.waits_for = selectors.EVENT_READ
        self._opening = Opening(sock, server.access) if server.access else None
        with suppress(OSError, AttributeError):
            import socket  # noqa: PLC0415

            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)

    def receive(self) -> None:
        """Take over what has arrived, of a handshake or of a request."""
        if self._opening and not self._opening.is_done():
            self._go_on_opening(self._opening)
        if not self._opening or self._opening.is_done():
            self.rfile.receive()

    def _go_on_opening(self, opening: Opening) -> None:
        ended = False
        try:
            opening.go_on(self.remote_addr)
        except (OSError, ValueError):
            ended = True
        if opening.socket is not self.socket:  # encrypted from now on; the plain one is part of it
            self.socket = opening.socket
            self.rfile = Inbox(self.socket)
            self.wfile = MakeFile(self.socket, "wb", self.wbufsize)
        if opening.is_done() and opening.context is not None:
            self.ssl_env = {"wsgi.url_scheme": "https", "HTTPS": "on"}
        self.waits_for = opening.waits_for
        self.rfile.ended = self.rfile.ended or ended

    def has_begun(self) -> bool:
        """Return whether its time runs already: of a handshake or of a request."""
        return bool((self._opening and self._opening.is_under_way()) or self.rfile.has_begun())

    def is_outdated(self) -> bool:
        """Return whether it was opened under other TLS settings than today's, which may want other clients."""
        opening = self._opening
        return bool(opening and opening.is_done() and opening.context is not self.server.access.rules().context)

    def takes_answers(self) -> bool:
        """Return whether the client has read what it was sent before, but for a rest."""
        try:
            return bool(select.select([], [self.socket], [], 0)[1])
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Close it; TLS says so, or the client must take it for an attack that cuts answers off."""
        if isinstance(self.socket, ssl.SSLSocket) and self._opening and self._opening.is_done():
            with suppress(OSError, ValueError):
                self.socket.settimeout(0)
                self.socket.unwrap()
        super().close()


def _none_pending() -> int:
    return 0
