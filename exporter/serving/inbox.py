"""What has been received on a connection."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

LARGEST_HEADER = 64 * 1024
"""Bytes of a request header; no legitimate client sends more, and a larger one must not fill the memory."""

CHUNK = 8 * 1024
"""Bytes received at a time: more than nearly all headers, and little enough for a machine that is short of memory."""

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
        """Read the bytes that have arrived. The socket does not block."""
        before = len(self._data)
        try:
            self._read_available()
        except _NOTHING_YET as reason:
            # Part of a TLS record: nothing to read yet, but the request's timeout is running.
            self._record_begun = isinstance(reason, ssl.SSLError) and len(self._data) == before
        except (OSError, ValueError):  # reset by the client, or closed already
            self.ended = True
        else:
            self._record_begun = False

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


def _none_pending() -> int:
    return 0
