"""The ClientHello of TLS (RFC 8446, 4.1.2): which groups for the key exchange a client offers, and whether TLS 1.3.

Python's ssl module can restrict a context to one group only, so there is a context for each, and the hello says which
of them suits the client.
"""

from __future__ import annotations

from typing import NamedTuple

HEADER = 5
"""Bytes before a record's content: type, version, length."""

LARGEST = 1 << 14
"""Bytes of a record's content."""

_SUPPORTED_GROUPS, _SUPPORTED_VERSIONS = 10, 43
_TLS13 = 0x0304


class Hello(NamedTuple):
    """The groups that a client offers, by number, and whether it speaks TLS 1.3, which is presumed if it is unknown."""

    groups: tuple[int, ...] = ()
    is_tls13: bool = True


def size(data: bytes) -> int:
    """Return how many bytes the first record takes, header included, as far as ``data`` says yet."""
    if len(data) < HEADER:
        return HEADER
    return HEADER + min(int.from_bytes(data[3:HEADER]), LARGEST)


def read(data: bytes) -> Hello:
    """Return what a hello offers, or nothing if it is not (yet) readable.

    A hello that is spread over several records, which no common client sends, counts as unreadable.
    """
    rest = _Reader(data[HEADER : size(data)])
    found = {}
    try:
        rest.take(1 + 3 + 2 + 32)  # message type, length, version, random
        for width in (1, 2, 1):  # session, cipher suites, compression
            rest.vector(width)
        extensions = _Reader(rest.vector(2))
        while extensions.left():
            kind = extensions.number()
            found[kind] = _Reader(extensions.vector(2))
        groups = found[_SUPPORTED_GROUPS].numbers(2) if _SUPPORTED_GROUPS in found else ()
        return Hello(groups, _SUPPORTED_VERSIONS in found and _TLS13 in found[_SUPPORTED_VERSIONS].numbers(1))
    except EOFError:
        return Hello()


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

    def numbers(self, width: int) -> tuple[int, ...]:
        """Return a list of two-byte numbers, whose length in bytes comes first, in ``width`` bytes."""
        listed = _Reader(self.vector(width))
        return tuple(listed.number() for _ in range(listed.left() // 2))
