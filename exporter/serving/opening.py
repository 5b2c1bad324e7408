"""How a connection begins where ``--web-config`` is in force: plain or TLS, shaken hands without waiting.

The thread that waits for all clients takes each step of a handshake when its bytes have arrived: a step is some
computing (below 2 ms with an RSA key of 2048 bits) and never a wait.
"""

from __future__ import annotations

import enum
import logging
import selectors
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from exporter.access import Access

log = logging.getLogger("exporter")

HANDSHAKE = 0x16
"""The first byte of every TLS connection (RFC 8446, 5.1: the content type of a handshake record)."""

_TEXT = b"400 Bad Request; this port speaks HTTPS only, ask for https://\n"
NO_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TEXT), _TEXT)
)


class Stage(enum.Enum):
    """How far the beginning of a connection is."""

    NEW = "nothing has arrived"
    SHAKING = "a TLS handshake is under way"
    OPEN = "requests can be read"
    LEAVING = "it was told why it is closed; what it still sends is thrown away, or it would lose the answer"


_UNDER_WAY = frozenset({Stage.SHAKING, Stage.LEAVING})


class Opening:
    """The beginning of one connection, which is asked to go on whenever something has arrived.

    ``socket`` is what requests are read from once it is done: the one it was given, or one that encrypts.
    """

    def __init__(self, sock: socket.socket, access: Access) -> None:
        self.socket = sock
        self.waits_for = selectors.EVENT_READ
        self.context: ssl.SSLContext | None = None
        self.stage = Stage.NEW
        self._access = access

    def is_done(self) -> bool:
        """Return whether requests can be read."""
        return self.stage is Stage.OPEN

    def is_under_way(self) -> bool:
        """Return whether something has arrived, and it is not done."""
        return self.stage in _UNDER_WAY

    def go_on(self, peer: object) -> None:
        """Do what can be done now; ``peer`` is for the log. Raises OSError where the connection is of no more use."""
        patience = self.socket.gettimeout()
        self.socket.settimeout(0)
        try:
            if self.stage is Stage.NEW:
                self._look()
            if self.stage is Stage.SHAKING:
                self._shake(peer)
            if self.stage is Stage.LEAVING:
                self._throw_away()
        finally:
            with suppress(OSError):
                self.socket.settimeout(patience)

    def _look(self) -> None:
        try:
            first = self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        if not first:
            raise ConnectionAbortedError("it went away before it said anything")
        self.context = self._access.rules().context
        speaks_tls = first[0] == HANDSHAKE
        if self.context is None:
            if speaks_tls:  # it would wait for an answer until its time is up
                raise ConnectionAbortedError("TLS is not spoken here")
            self.stage = Stage.OPEN
        elif speaks_tls:
            self.socket = self.context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self.socket.settimeout(0)
            self.stage = Stage.SHAKING
        else:
            self.socket.send(NO_TLS)
            self._leave()

    def _shake(self, peer: object) -> None:
        self.waits_for = selectors.EVENT_READ
        try:
            cast("ssl.SSLSocket", self.socket).do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLWantWriteError:
            self.waits_for = selectors.EVENT_WRITE
        except ssl.SSLError as reason:  # OpenSSL has told the client already
            log.debug("TLS with %s failed: %s", peer, reason.reason)
            self._leave()
        else:
            self.stage = Stage.OPEN

    def _leave(self) -> None:
        self.stage = Stage.LEAVING
        # Not of the SSL object, which would add to what is said.
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def _throw_away(self) -> None:
        with suppress(BlockingIOError):
            for _ in range(16):
                if not socket.socket.recv(self.socket, 65536):
                    raise ConnectionAbortedError("it has gone")
