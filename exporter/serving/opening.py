"""How a connection begins under ``--web-config``: detects plain HTTP or TLS, and does the handshake without blocking.

The server's main loop runs each step of the handshake once its bytes have arrived. A step never blocks, but it costs
CPU time: less than 2 ms with a key of P-256 or a 2048-bit RSA key, but up to 13 ms where client certificates are asked
for and a stranger sends as many of them as LONGEST lets through.
"""

from __future__ import annotations

import enum
import logging
import selectors
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from exporter.serving import hello

if TYPE_CHECKING:
    from exporter.access import Access
    from exporter.access.tls import Contexts

log = logging.getLogger("exporter")

HANDSHAKE = 0x16
"""The first byte of every TLS connection (RFC 8446, 5.1: the content type of a handshake record)."""

LONGEST = 32 * 1024
"""Bytes of a client's part of a handshake with client certificates: real ones take 10 KiB. OpenSSL takes 100 KiB of
certificates and parses all of them, 0.1 ms each, before it finds that none is trusted."""

_TEXT = b"400 Bad Request; this port speaks HTTPS only, ask for https://\n"
NO_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)


class Stage(enum.Enum):
    """The stages of a new connection."""

    NEW = "nothing has arrived yet"
    GREETING = "the first message of a TLS handshake is arriving"
    HANDSHAKING = "a TLS handshake is in progress"
    OPEN = "requests can be read"
    DRAINING = "the client was told why it is refused; further input is drained, or a reset would discard that response"


_UNDER_WAY = frozenset({Stage.GREETING, Stage.HANDSHAKING, Stage.DRAINING})


class Opening:
    """Opens one connection step by step; ``go_on`` is called whenever something has arrived.

    ``socket`` is where requests are read from once it is done: the original one, or its TLS wrapper.
    """

    def __init__(self, sock: socket.socket, access: Access) -> None:
        self.socket = sock
        self.waits_for = selectors.EVENT_READ
        self.context: Contexts | None = None
        self.stage = Stage.NEW
        self._access = access
        self._awaited = 1
        self._arrived = 0

    def is_done(self) -> bool:
        """Return whether requests can be read."""
        return self.stage is Stage.OPEN

    def is_under_way(self) -> bool:
        """Return whether the opening has begun but is not done."""
        return self.stage in _UNDER_WAY

    def go_on(self, peer: object) -> None:
        """Go as far as possible without blocking; ``peer`` is for the log. Raises OSError if the connection is dead."""
        patience = self.socket.gettimeout()
        self.socket.settimeout(0)
        try:
            if self.stage is Stage.NEW:
                self._detect()
            if self.stage is Stage.GREETING:
                self._greet(cast("Contexts", self.context))
            if self.stage is Stage.HANDSHAKING:
                self._handshake(peer)
            if self.stage is Stage.DRAINING:
                self._drain()
        finally:
            with suppress(OSError):
                self.socket.settimeout(patience)

    def _detect(self) -> None:
        try:
            first = self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        if not first:
            raise ConnectionAbortedError("closed by the client before it sent anything")
        self.context = self._access.rules().context
        speaks_tls = first[0] == HANDSHAKE
        if self.context is None:
            if speaks_tls:  # close now, or the client would wait until it times out
                raise ConnectionAbortedError("TLS is not enabled")
            self.stage = Stage.OPEN
        elif speaks_tls:
            self.stage = Stage.GREETING
        else:
            self.socket.send(NO_TLS)
            self._refuse()

    def _greet(self, contexts: Contexts) -> None:
        """Choose the context by the client's hello, once that has arrived, and leave the rest to OpenSSL."""
        arrived = self.socket.recv(hello.HEADER + hello.LARGEST, socket.MSG_PEEK)
        needed = hello.size(arrived)
        # Woken before all has arrived that was waited for: the client has closed, or the system cannot wait so.
        if len(arrived) < needed and needed > self._awaited and self._wait_for(needed):
            return
        self._wait_for(1)
        context = contexts.choose(*hello.read(arrived))
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.settimeout(0)
        self.stage = Stage.HANDSHAKING

    def _wait_for(self, count: int) -> bool:
        """Let the selector wait for so many bytes; what has been peeked at would wake it again and again."""
        if count == self._awaited:
            return True
        self._awaited = count
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)
        except OSError:  # Windows
            return False
        return True

    def _handshake(self, peer: object) -> None:
        client = cast("ssl.SSLSocket", self.socket)
        if client.context.verify_mode != ssl.CERT_NONE and self.waits_for == selectors.EVENT_READ:
            self._count()  # once: if the server waited to write, it has not been read since
        self.waits_for = selectors.EVENT_READ
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLWantWriteError:
            self.waits_for = selectors.EVENT_WRITE
        except ssl.SSLError as reason:  # OpenSSL has already sent the client an alert
            log.debug("TLS handshake with %s failed: %s", peer, reason.reason)
            self._refuse()
        else:
            if self.context and not self.context.admits(client):
                log.debug("client certificate of %s has none of client_allowed_sans", peer)
                self._refuse()
                return
            self.stage = Stage.OPEN

    def _count(self) -> None:
        """Count what OpenSSL is about to read. Raises ConnectionAbortedError if it is too much.

        What arrives while it reads is not counted; only a client that is very near can make use of that.
        """
        with suppress(BlockingIOError):
            self._arrived += len(socket.socket.recv(self.socket, LONGEST + 1, socket.MSG_PEEK))
        if self._arrived > LONGEST:
            raise ConnectionAbortedError("too many client certificates")

    def _refuse(self) -> None:
        self.stage = Stage.DRAINING
        # Shut down the plain socket: the SSL object would send more.
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            for _ in range(16):
                if not socket.socket.recv(self.socket, 65536):
                    raise ConnectionAbortedError("closed by the client")
