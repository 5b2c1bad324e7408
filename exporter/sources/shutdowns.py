"""Whether the last boot came after a shutdown: the login records of init, /var/log/wtmp (utmp(5)).

A boot writes a record when it begins, a shutdown one when it ends. If nothing was written between the last two boots
but what people and terminals write, the machine was not shut down: it crashed, was reset, or lost its power.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.host import CLOSE_ON_EXEC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.sources.host import Host

RUN_LEVEL, BOOT, LARGEST_TYPE = 1, 2, 9
"""Types of records. A change of the run level is written by sysvinit, a shutdown as one to no level by all."""
HALT, RESTART = ord("0"), ord("6")
"""The run levels that end a boot; a record has them in the last byte of what is otherwise a PID."""
ORDER = "<" if sys.byteorder == "little" else ">"
LAYOUTS = (struct.Struct(f"{ORDER}h2xi36x32s256x8xI40x"), struct.Struct(f"{ORDER}h2xi36x32s256x12xq48x"))
"""Type, PID, user and time, in records of 384 bytes and of 400: on 64-bit ARM and RISC-V, times have 64 bits."""
WHOLE = 9600
"""Bytes that hold a whole number of records of either size."""
MOST = 1 << 20
"""Bytes to read from a file's end, or a few more: 2,700 records. What came before is not known."""
SLACK = 60.0
"""Seconds by which the record of a boot may seem to be older than the boot."""


class Record(NamedTuple):
    """One record: its type, the run level that it begins (0 if none), its user, and its Unix time in seconds."""

    kind: int
    level: int
    user: bytes
    seconds: int

    def ends_a_boot(self) -> bool:
        """Return whether it was written by a shutdown."""
        return self.kind == RUN_LEVEL and (self.user == b"shutdown" or self.level in {HALT, RESTART})


def last_shutdown_was_clean(host: Host, boot_time: float | None) -> bool | None:
    """Return whether the machine was shut down before it booted; None if its records do not say.

    They do not if nobody writes them (musl, Debian 13), if the last boot in them is another one than that at
    ``boot_time`` (Unix time), or if they begin later than the boot before.
    """
    log = host.inside("/var/log")
    records, all_of_them = read_records(f"{log}/wtmp")
    boots = [number for number, record in enumerate(records) if record.kind == BOOT]
    if not boots or not _is_this_boot(records[boots[-1]], host, boot_time):
        return None
    known = _before(records[: boots[-1]])
    if known is None and all_of_them:
        # It was begun anew after the boot before, as it is once a month: the rest is in the file that it was before.
        known = _before(read_records(_previous(log))[0])
    return known


def read_records(path: str) -> tuple[list[Record], bool]:
    """Return the records at the end of a file, oldest first, and whether they are all that it holds.

    There are none in a file that is unreadable or holds something else.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | CLOSE_ON_EXEC)
    except OSError:
        return [], False
    try:
        size = os.fstat(file).st_size
        start = max(0, size - MOST) // WHOLE * WHOLE
        content = os.pread(file, size - start, start)
    except OSError:
        return [], False
    finally:
        os.close(file)
    for layout in LAYOUTS:
        records = list(_parse(layout, content))
        if records and all(map(_is_sound, records)):
            return records, start == 0
    return [], False


def _parse(layout: struct.Struct, content: bytes) -> Iterator[Record]:
    # A crash may have cut the last one.
    whole = len(content) // layout.size * layout.size
    for kind, pid, user, seconds in layout.iter_unpack(content[:whole]):
        yield Record(kind, pid & 0xFF if kind == RUN_LEVEL else 0, user.partition(b"\0")[0], seconds)


def _is_sound(record: Record) -> bool:
    return 0 <= record.kind <= LARGEST_TYPE and record.seconds >= 0 and (record.seconds > 0 or not record.user)


def _before(records: Iterable[Record]) -> bool | None:
    """Return whether a shutdown is the last thing that init wrote, as opposed to a boot; None if it wrote neither."""
    for record in reversed(list(records)):
        if record.ends_a_boot():
            return True
        if record.kind == BOOT:
            return False
    return None


def _is_this_boot(record: Record, host: Host, boot_time: float | None) -> bool:
    """Return whether the record is that of the boot that the machine is in now.

    In /run, which begins empty at each boot, init writes it again. That holds where the clock was wrong at boot, as
    on boards without a battery.
    """
    here = [each.seconds for each in read_records(host.inside("/run/utmp"))[0] if each.kind == BOOT]
    if here:
        return here[-1] == record.seconds
    return boot_time is not None and boot_time - SLACK <= record.seconds <= time.time() + SLACK


def _previous(log: str) -> str:
    """Return the path of the file that wtmp was before it was begun anew; it is called wtmp.1 or has a date."""
    try:
        names = [name for name in os.listdir(log) if name.startswith("wtmp") and name != "wtmp"]
        return max((f"{log}/{name}" for name in names), key=lambda path: os.stat(path).st_mtime, default="")
    except OSError:
        return ""
