"""Disk counters: /proc/diskstats on Linux, psutil.disk_io_counters elsewhere.

psutil reads the same file, but one line that it cannot parse costs it all disks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from exporter.sources.host import LINUX, WINDOWS, counter, read_bytes

if TYPE_CHECKING:
    from exporter.sources.host import Host

SECTOR = 512
"""Bytes. The kernel's unit in this file, whatever the disk's own sectors are."""

READS, READ_SECTORS, READ_TIME, WRITES, WRITTEN_SECTORS, WRITE_TIME = 0, 2, 3, 4, 6, 7
IN_PROGRESS, BUSY_TIME, QUEUE_TIME = 8, 9, 10
"""Columns after the name, times in milliseconds."""

DISCARDS, FLUSHES = 11, 15
"""Columns that kernels have since 4.18 and 5.5."""

MISSING = ""
"""Stands for a column that a line is too short for."""

UNTIMED = (None,) * 4
"""The times of a disk all of whose times are 0. Its driver counts requests alone, as md did before Linux 5.9."""


@dataclass(frozen=True, slots=True)
class DiskCounters:
    """One disk's traffic since boot; NaN for what is no number, None for times that are not counted.

    ``read_seconds`` and ``write_seconds`` add up how long requests took, ``queue_seconds`` likewise, and those
    still in progress (since Linux 5.0 only once they are completed). Linux prints 32 bits of milliseconds: they start
    again after 49.7 days. ``others_completed`` counts requests that are neither reads nor writes. ``in_progress`` is
    how many there are now, None where the system does not say.
    """

    read_bytes: float
    written_bytes: float
    reads_completed: float
    writes_completed: float
    busy_seconds: float | None
    read_seconds: float | None
    write_seconds: float | None
    queue_seconds: float | None
    in_progress: float | None = None
    others_completed: float = 0.0

    def used(self) -> bool:
        """Return whether anything was read or written, or may have been."""
        return bool(self.reads_completed or self.writes_completed)


def read_diskstats(host: Host) -> dict[str, DiskCounters] | None:
    """Return the counters of disks and partitions by name; None if the system has none. Raises OSError."""
    if LINUX:
        text = read_bytes(f"{host.proc}/diskstats")
        if text is None:
            host.missing("diskstats")
            return None
        return parse_diskstats(text.decode(errors="replace"))
    # nowrap makes psutil keep a table of its own, for 32-bit kernels; Prometheus handles a counter that wraps.
    return {name: _from_psutil(io) for name, io in psutil.disk_io_counters(perdisk=True, nowrap=False).items()}


def parse_diskstats(text: str) -> dict[str, DiskCounters]:
    """Return the counters in a diskstats file (proc(5)) by name; lines without a name are skipped."""
    table = {}
    for line in text.split("\n"):
        fields = line.split()
        if len(fields) > 3:
            columns = [*fields[3:], *[MISSING] * QUEUE_TIME]
            times = [counter(columns[each]) / 1000 for each in (BUSY_TIME, READ_TIME, WRITE_TIME, QUEUE_TIME)]
            others = counter(fields[3 + DISCARDS]) if len(fields) > 3 + DISCARDS else 0
            others += counter(fields[3 + FLUSHES]) if len(fields) > 3 + FLUSHES else 0
            busy, reading, writing, queued = times if any(times) else UNTIMED
            table[fields[2]] = DiskCounters(
                read_bytes=counter(columns[READ_SECTORS]) * SECTOR,
                written_bytes=counter(columns[WRITTEN_SECTORS]) * SECTOR,
                reads_completed=counter(columns[READS]),
                writes_completed=counter(columns[WRITES]),
                busy_seconds=busy,
                read_seconds=reading,
                write_seconds=writing,
                queue_seconds=queued,
                in_progress=counter(columns[IN_PROGRESS]),
                others_completed=others,
            )
    return table


def _from_psutil(io: Any) -> DiskCounters:
    busy = io.busy_time / 1000 if hasattr(io, "busy_time") else None
    # On Windows psutil 7.2 rounds these to whole seconds and calls them milliseconds (disk.c, psutil #1012).
    reading, writing = (None, None) if WINDOWS else (io.read_time / 1000, io.write_time / 1000)
    return DiskCounters(io.read_bytes, io.write_bytes, io.read_count, io.write_count, busy, reading, writing, None)
