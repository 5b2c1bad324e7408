"""The ClientHello of TLS (RFC 8446, 4.1.2): which groups for the key exchange a client offers.

Python's ssl module can restrict a context to one group only, so there is a context for each, and the hello says which
of them suits the client.
"""

from __future__ import annotations

HEADER = 5
"""Bytes before a record's content: type, version, length."""

LARGEST = 1 << 14
"""Bytes of a record's content."""

_SUPPORTED_GROUPS = 10


def size(data: bytes) -> int:
    """Return how many bytes the first record takes, header included, as far as ``data`` says yet."""
    if len(data) < HEADER:
        return HEADER
    return HEADER + min(int.from_bytes(data[3:HEADER]), LARGEST)


def groups(data: bytes) -> tuple[int, ...]:
    """Return the numbers of the groups that a hello offers, most preferred first; empty if it is not (yet) readable.

    A hello that is spread over several records, which no common client sends, counts as unreadable.
    """
    rest = _Reader(data[HEADER : size(data)])
    try:
        rest.take(1 + 3 + 2 + 32)  # message type, length, version, random
        for width in (1, 2, 1):  # session, cipher suites, compression
            rest.vector(width)
        extensions = _Reader(rest.vector(2))
        while extensions.left():
            kind, content = extensions.number(), extensions.vector(2)
            if kind == _SUPPORTED_GROUPS:
                offered = _Reader(_Reader(content).vector(2))
                return tuple(offered.number() for _ in range(offered.left() // 2))
    except EOFError:
        pass
    return ()


class _Reader:
    """Takes bytes from the front. Raises EOFError where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left():
            raise EOFError
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, width: int = 2) -> int:
        return int.from_bytes(self.take(width))

    def vector(self, width: int) -> bytes:
        return self.take(self.number(width))
