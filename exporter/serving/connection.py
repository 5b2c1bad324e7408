"""Reads from clients without blocking: a worker gets a request only once its whole header has arrived.

A worker that blocks on a slow client cannot serve anyone else, and a few such clients would block all workers.
"""

from __future__ import annotations

import re
import select
import selectors
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cheroot.errors import FatalSSLAlert, NoSSLError
from cheroot.makefile import MakeFile
from cheroot.server import HTTPConnection, HTTPRequest

from exporter.serving.headers import Headers
from exporter.serving.opening import Opening

if TYPE_CHECKING:
    import socket

LARGEST_HEADER = 64 * 1024
"""Bytes of a request header; no legitimate client sends more, and a larger one must not fill the memory."""

CHUNK = 8 * 1024
"""Bytes received at a time: more than nearly all headers, and little enough for a machine that is short of memory."""

ROOM = 256 * 1024
"""Bytes of send buffer, so that workers need not wait for slow readers; the largest responses are about 60 KiB."""

_PATH = re.compile(rb"(?:\r\n)?[A-Z]+ (/[^ ?\r\n]*)")
"""The path in a request line."""

_SLASHES = re.compile(rb"//+")

_NOTHING_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Inbox:
    """The bytes received on a connection, as the file object from which cheroot reads requests. Never blocks."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._pending = sock.pending if isinstance(sock, ssl.SSLSocket) else _none_pending
        self._data = bytearray()
        self._record_begun = False
        self.closed = False
        self.ended = False
        self.bytes_read = 0

    def receive(self) -> None:
        """Read the bytes that have arrived."""
        patience = self._socket.gettimeout()
        before = len(self._data)
        try:
            self._socket.settimeout(0)
            self._read_available()
        except _NOTHING_YET as reason:
            # Part of a TLS record: nothing to read yet, but the request's timeout is running.
            self._record_begun = isinstance(reason, ssl.SSLError) and len(self._data) == before
        except (OSError, ValueError):  # reset by the client, or closed already
            self.ended = True
        else:
            self._record_begun = False
        finally:
            with suppress(OSError):
                self._socket.settimeout(patience)

    def _read_available(self) -> None:
        while not self.ended and len(self._data) < LARGEST_HEADER:
            data = self._socket.recv(CHUNK)
            self._data += data
            self.ended = not data
            # Bytes that OpenSSL has already decrypted must be read now: select() does not know about them.
            # All there is: what is left unread when a connection is closed makes the system cut off the answer.
            if len(data) < CHUNK and not self._pending():
                break

    def has_begun(self) -> bool:
        """Return whether part of a request has arrived."""
        return self._record_begun or self.has_data()

    def has_data(self) -> bool:
        """Return whether there is something to read."""
        return bool(self._data) or self._pending() > 0

    def is_ready(self) -> bool:
        """Return whether there is work for a worker: a complete header, one that is too large, or the end of input."""
        begun = self._data.lstrip(b"\r\n")
        return b"\n\r\n" in begun or b"\n\n" in begun or len(self._data) >= LARGEST_HEADER or self.ended

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` of the bytes received."""
        return self._take(len(self._data) if size is None or size < 0 else size)

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, or as much of it as has been received, up to ``size`` bytes."""
        end = self._data.find(b"\n") + 1 or len(self._data)
        return self._take(end if size is None or size < 0 else min(end, size))

    def merge_slashes(self) -> None:
        """Write each run of slashes in the path of the next request as one slash.

        A proxy that cuts off a prefix often asks for "//metrics", which cheroot takes for a host without a path. No
        redirect: it would lead the client to a path that the proxy does not have.
        """
        if (found := _PATH.match(self._data)) and b"//" in found[1]:
            start, end = found.span(1)
            self._data[start:end] = _SLASHES.sub(b"/", found[1])

    def close(self) -> None:
        """Discard everything."""
        self.closed = True
        self._data.clear()

    def _take(self, size: int) -> bytes:
        data = bytes(self._data[:size])
        del self._data[:size]
        self.bytes_read += len(data)
        return data


class Request(HTTPRequest):
    """Answers malformed requests with 400; cheroot blames itself for some of them, with a 500 or 501."""

    def parse_request(self) -> None:
        """Parse a request; anything that trips the parser is a bad request."""
        self.inheaders = Headers()
        self.conn.rfile.merge_slashes()
        try:
            super().parse_request()
        except (OSError, FatalSSLAlert, NoSSLError):
            raise  # a problem with the connection, not with the request
        except Exception:  # noqa: BLE001 - such as urlsplit's ValueError, or an UnboundLocalError in cheroot
            self.simple_response("400 Bad Request", "Malformed request")
            self.close_connection = True
        # No route accepts a body, and a body must not be parsed as the next request.
        if b"Content-Length" in self.inheaders or b"Transfer-Encoding" in self.inheaders:
            self.close_connection = True

    def simple_response(self, status: str, msg: str = "") -> None:
        """Respond without calling the application."""
        if status.startswith("501"):
            status = "400 Bad Request"
        elif status.startswith("405"):  # to CONNECT; cheroot offers no way to add a header here
            status += "\r\nAllow: GET, HEAD, OPTIONS"
        super().simple_response(status, msg)


class Connection(HTTPConnection):
    """A connection read through an Inbox, with requests parsed as above; speaks TLS if the server's access says so."""

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
        """Read what has arrived, whether of a TLS handshake or of a request."""
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
        if opening.socket is not self.socket:  # encrypted from now on; it wraps the plain one
            self.socket = opening.socket
            self.rfile = Inbox(self.socket)
            self.wfile = MakeFile(self.socket, "wb", self.wbufsize)
        if opening.is_done() and opening.context is not None:
            self.ssl_env = {"wsgi.url_scheme": "https", "HTTPS": "on"}
        self.waits_for = opening.waits_for
        self.rfile.ended = self.rfile.ended or ended

    def has_begun(self) -> bool:
        """Return whether a handshake or request is in progress, so that its timeout is running."""
        return bool((self._opening and self._opening.is_under_way()) or self.rfile.has_begun())

    def is_outdated(self) -> bool:
        """Return whether it was opened under TLS settings that have since changed and might now reject its client."""
        opening = self._opening
        return bool(opening and opening.is_done() and opening.context is not self.server.access.rules().context)

    def takes_answers(self) -> bool:
        """Return whether the socket can take a response, that is, whether the client reads what it is sent."""
        try:
            return bool(select.select([], [self.socket], [], 0)[1])
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        """Close it, with a TLS close_notify: without one, the client must suspect a truncated response."""
        if isinstance(self.socket, ssl.SSLSocket) and self._opening and self._opening.is_done():
            with suppress(OSError, ValueError):
                self.socket.settimeout(0)
                self.socket.unwrap()
        super().close()


def _none_pending() -> int:
    return 0
