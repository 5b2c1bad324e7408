"""The table of processes as 64-bit Windows lays it out (SYSTEM_PROCESS_INFORMATION), written by offset."""

from __future__ import annotations

import ctypes
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER, THREAD = 256, 80
"""Bytes of a process's part before its threads, and of each thread."""

ADDRESS = 0x7FF6_0000_0000
TOO_SMALL = 0xC0000004


class Row(NamedTuple):
    """One process; times in seconds, memory in bytes."""

    pid: int
    name: str
    cpu: float = 0.0
    memory: int = 4096
    threads: int = 3
    created: int = 133_000_000_000_000_000
    private: int = 0


def table(rows: Sequence[Row], address: int = ADDRESS) -> bytes:
    """Return the table as it lies at ``address``."""
    out = bytearray()
    for row in rows:
        begin, name = len(out), row.name.encode("utf-16-le", "surrogatepass")
        body = HEADER + THREAD * row.threads
        part = bytearray(b"\xcc" * (body + (len(name) + 9) // 8 * 8))  # what is not read is not zero either
        spent = int(row.cpu * 1e7)
        for offset, form, value in (
            (0, "I", len(part) if row is not rows[-1] else 0),
            (4, "I", row.threads),
            (8, "q", row.private),
            (32, "q", row.created),
            (40, "q", spent - spent // 4),
            (48, "q", spent // 4),
            (56, "H", len(name)),
            (58, "H", len(name) + 2),
            (64, "Q", address + begin + body if name else 0),
            (80, "Q", row.pid),
            (144, "Q", row.memory),
        ):
            struct.pack_into(f"<{form}", part, offset, value)
        part[body : body + len(name)] = name
        out += part
    return bytes(out)


class NtQuery:
    """NtQuerySystemInformation with these processes; counts how often it is asked."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.calls = 0

    def __call__(self, information: int, buffer: Any, size: int, needed: Any) -> int:
        """Fill the buffer, or say how large it must be."""
        assert information == 5
        self.calls += 1
        found = table(self.rows, ctypes.addressof(buffer))
        needed._obj.value = len(found)
        if len(found) > size:
            return TOO_SMALL
        ctypes.memmove(buffer, found, len(found))
        return 0
