"""Connections that no worker waits for: it gets a request once its whole header has arrived, and leaves its answer.

A worker that blocks on a slow client cannot serve anyone else, and a few such clients would block all workers.
"""

from __future__ import annotations

import select
import selectors
import socket
import ssl
import struct
import sys
import time
from contextlib import suppress
from typing import Any

from cheroot.errors import FatalSSLAlert, NoSSLError
from cheroot.server import HTTPConnection, HTTPRequest

from exporter.serving.headers import Headers
from exporter.serving.inbox import Inbox
from exporter.serving.opening import Opening
from exporter.serving.outbox import ROOM, Outbox

STALLED = 20_000
"""Milliseconds after which the kernel gives up on a client that reads nothing, also if it is closed already: what was
sent to it would stay in the kernel's memory for minutes."""


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
    """A connection that never blocks, with requests parsed as above; speaks TLS if the server's access says so.

    It is read through an Inbox and written through an Outbox. ``ends`` means that it is closed after the answer.
    """

    RequestHandlerClass = Request

    def __init__(self, server: Any, sock: Any, _makefile: Any) -> None:
        super().__init__(server, sock, _no_file)
        sock.settimeout(0)
        self.rfile, self.wfile = Inbox(sock), Outbox(sock)
        self.last_used = time.time()
        self.waits_for = selectors.EVENT_READ
        self.ends = False
        self._opening = Opening(sock, server.access) if server.access else None
        with suppress(OSError, AttributeError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED)

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
            self.rfile, self.wfile = Inbox(self.socket), Outbox(self.socket)
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
        """Return whether the socket can take a response: the client reads what it is sent, or is gone."""
        try:
            if sys.platform == "win32":
                return bool(select.select([], [self.socket], [], 0)[1])
            poll = select.poll()  # select() refuses descriptors from 1024 on
            poll.register(self.socket, select.POLLOUT)
            return bool(poll.poll(0))
        except (OSError, ValueError):
            return False

    def is_gone(self) -> bool:
        """Return whether the client has reset the connection. One that only sends no more still reads."""
        if sys.platform == "win32":
            return False
        poll = select.poll()
        try:
            poll.register(self.socket, 0)
            return bool(poll.poll(0))
        except (OSError, ValueError):
            return True

    def communicate(self) -> bool:
        """Answer one request, in a worker; return whether the connection is still needed, if only to send the rest."""
        if self.is_gone():  # while it waited for a worker: a page would be drawn for nobody
            return False
        self.ends = not super().communicate()  # type: ignore[no-untyped-call]
        try:
            self.wfile.send()
        except OSError:  # the client is gone
            return False
        return bool(self.wfile.left) or not self.ends

    def go_on_sending(self) -> None:
        """Send more of an answer. A client that takes something has another 10 s. Raises OSError if it is gone."""
        if self.wfile.send():
            self.last_used = time.time()

    def close(self) -> None:
        """Close it, with a TLS close_notify: without one, the client must suspect a truncated response."""
        if self.wfile.left:  # of no use any more, neither here nor in the kernel
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif isinstance(self.socket, ssl.SSLSocket) and self._opening and self._opening.is_done():
            with suppress(OSError, ValueError):
                self.socket.settimeout(0)
                self.socket.unwrap()
        self.wfile.close()
        self.server.on_close(self)
        with suppress(OSError):  # an error here would end the worker that is done with it, and the server with it
            super().close()


def _no_file(*_: object) -> None:
    """Stand in for the files that cheroot would make of a socket."""
