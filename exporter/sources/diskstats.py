"""Disk counters: /proc/diskstats on Linux, psutil.disk_io_counters elsewhere.

psutil reads the same file, but one line that it cannot parse costs it all disks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from exporter.sources.host import LINUX, counter, read_bytes

if TYPE_CHECKING:
    from exporter.sources.host import Host

SECTOR = 512
"""Bytes. The kernel's unit in this file, whatever the disk's own sectors are."""

READS, READ_SECTORS, WRITES, WRITTEN_SECTORS, BUSY_MILLISECONDS = 0, 2, 4, 6, 9
"""Columns after the name. Kernels since 4.18 append more."""

MISSING = ""
"""Stands for a column that a line is too short for."""


@dataclass(frozen=True, slots=True)
class DiskCounters:
    """One disk's traffic since boot; NaN for what is no number, ``busy_seconds`` None where it is not counted."""

    read_bytes: float
    written_bytes: float
    reads_completed: float
    writes_completed: float
    busy_seconds: float | None

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
            columns = [*fields[3:], *[MISSING] * BUSY_MILLISECONDS]
            table[fields[2]] = DiskCounters(
                read_bytes=counter(columns[READ_SECTORS]) * SECTOR,
                written_bytes=counter(columns[WRITTEN_SECTORS]) * SECTOR,
                reads_completed=counter(columns[READS]),
                writes_completed=counter(columns[WRITES]),
                busy_seconds=counter(columns[BUSY_MILLISECONDS]) / 1000,
            )
    return table


def _from_psutil(io: Any) -> DiskCounters:
    busy = io.busy_time / 1000 if hasattr(io, "busy_time") else None
    return DiskCounters(io.read_bytes, io.write_bytes, io.read_count, io.write_count, busy)
