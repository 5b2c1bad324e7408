"""What is to be sent on a connection: written by a worker in one go, sent as fast as the client reads it.

No worker waits for a reader. What the socket does not take at once, the server's main loop sends later.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

ROOM = 256 * 1024
"""Bytes of a socket's send buffer, and sent at a time."""

RECORD = 16 * 1024
"""Bytes in a TLS record. A write that the socket could not take must be repeated with the same bytes."""

MOST_UNSENT = 32 * 1024 * 1024
"""Bytes of answers kept for clients that are slow to read them. An answer that several clients get counts once."""

_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Outbox:
    """The file object to which cheroot writes an answer. Never blocks, and copies no large answer."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._most = RECORD if isinstance(sock, ssl.SSLSocket) else ROOM
        self._pieces: deque[memoryview] = deque()
        self.left = 0
        self.bytes_written = 0

    def write(self, data: bytes) -> int:
        """Keep ``data`` to be sent; return its length."""
        if data:
            self._pieces.append(memoryview(data))
            self.left += len(data)
            self.bytes_written += len(data)
        return len(data)

    def send(self) -> bool:
        """Send what the client takes, up to ROOM; return whether it took something. Raises OSError if it is gone."""
        if self.left <= ROOM and len(self._pieces) > 1:  # header and body in one packet
            self._pieces = deque([memoryview(b"".join(self._pieces))])
        end = self.left - ROOM
        before = self.left
        with suppress(*_NOT_NOW):
            while self.left > max(0, end):
                sent = self._socket.send(self._pieces[0][: self._most])
                self.left -= sent
                self._pieces[0] = self._pieces[0][sent:]
                if not self._pieces[0]:
                    self._pieces.popleft()
        return self.left < before

    def drain(self, seconds: float) -> None:
        """Send all of it, blocking; give up after that many seconds. Raises OSError if the client is gone."""
        deadline = time.monotonic() + seconds
        while self.left and (rest := deadline - time.monotonic()) > 0:
            self._socket.settimeout(rest)
            self.send()

    def bodies(self) -> dict[int, int]:
        """Return the sizes of the answers that are kept until they are sent, by their identity."""
        return {id(piece.obj): len(piece.obj) for piece in self._pieces}  # type: ignore[arg-type]

    def flush(self) -> None:
        """Do nothing: cheroot does not call this, but a file has it."""

    def close(self) -> None:
        """Discard everything."""
        self._pieces.clear()
        self.left = 0


def unsent(outboxes: Iterable[Outbox]) -> int:
    """Return how many bytes are kept in memory for these."""
    sizes: dict[int, int] = {}
    for outbox in outboxes:
        sizes |= outbox.bodies()
    return sum(sizes.values())
