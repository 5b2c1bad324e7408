"""Login records as glibc and systemd write them to utmp and wtmp, for fixture machines."""

from __future__ import annotations

import struct
import sys

ORDER = "<" if sys.byteorder == "little" else ">"
BOOTED = 1767225600
"""When the fixture machines booted (Unix time)."""
SIZES = {384: f"{ORDER}h2xi32s4s32s256shhiii16s20x", 400: f"{ORDER}h2xi32s4s32s256shh4xqqq16s20x"}
"""The fields of both layouts, by the size of a record; one of 400 bytes is padded at its end."""


def record(kind: int, user: str, seconds: int, *, pid: int = 0, size: int = 384, line: str = "~") -> bytes:
    """Return one record: type, user, time and PID; those of init have the line "~"."""
    fields = (kind, pid, line.encode(), b"~~", user.encode(), b"6.12.1", 0, 0, 0, seconds, 123_456, b"")
    return struct.pack(SIZES[size], *fields).ljust(size, b"\0")


def boot(seconds: int, size: int = 384) -> bytes:
    """Return what a boot writes."""
    return record(2, "reboot", seconds, size=size)


def shutdown(seconds: int, size: int = 384) -> bytes:
    """Return what a shutdown writes."""
    return record(1, "shutdown", seconds, size=size)


def login(seconds: int, size: int = 384) -> bytes:
    """Return what a login writes."""
    return record(7, "ann", seconds, pid=4711, size=size, line="pts/0")
