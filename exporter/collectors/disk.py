"""Disk traffic and how long requests take, from cumulative counters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import counters, gauges
from exporter.findings import Finding
from exporter.model import hidden
from exporter.sources.disk_waits import Course, begin, go_on, grown, mean_wait
from exporter.sources.disks import is_hidden, is_partition, is_rotational, is_stacked, whole_disks
from exporter.sources.diskstats import read_diskstats
from exporter.sources.host import LINUX, printable
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.diskstats import DiskCounters
    from exporter.sources.host import Host
    from exporter.thresholds import Thresholds

LABELS = ("device",)
COUNTERS = (
    ("read_bytes", "Bytes read since boot."),
    ("written_bytes", "Bytes written since boot."),
    ("reads_completed", "Reads completed since boot."),
    ("writes_completed", "Writes completed since boot."),
    ("busy_seconds", "Seconds since boot during which at least one request was in progress."),
    ("read_seconds", "Seconds that reads took since boot, added up: over the reads completed, the mean time of one."),
    (
        "write_seconds",
        "Seconds that writes took since boot, added up: over the writes completed, the mean time of one.",
    ),
    (
        "queue_seconds",
        "Seconds that requests spent queued and in progress since boot, added up: the rate is the mean queue length.",
    ),
)
"""Fields that are counters, and what they count."""
SLOW, SLOW_ROTATIONAL = 0.1, 0.3
"""Seconds that a request takes at least, on average, on a slow disk; the same limits as in HostDiskSlow."""
CARD = "mmcblk"
"""How the names of SD cards and eMMC begin: they do not rotate, and are as slow by nature as what does."""
SLOW_FOR = 600.0
"""Seconds for which it must have been slow, as in HostDiskSlow."""
SILENT = 120.0
"""Seconds without a completed request from which on a disk that has requests does not answer, as in HostDiskSlow."""


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk: counters since boot; rates in bytes per second since the previous sample, None in the first.

    ``busy_seconds`` and ``queue_seconds`` are None on macOS and Windows, which do not count them, ``read_seconds`` and
    ``write_seconds`` on Windows. ``stacked`` means built on other disks (LVM, RAID, encryption, a ZFS volume) or a
    partition of one: its traffic is counted there as well.

    The waits and the queue's length are averages since the previous sample, None without requests and in the first.
    ``rotational`` is None for disks that are built on others. ``unanswered_seconds`` is how long requests have been in
    progress without one being completed, as far as samples have shown.
    """

    device: str
    read_bytes: float | None
    written_bytes: float | None
    reads_completed: float | None
    writes_completed: float | None
    busy_seconds: float | None
    read_seconds: float | None
    write_seconds: float | None
    queue_seconds: float | None
    read_rate_bytes: float | None = None
    write_rate_bytes: float | None = None
    stacked: bool = False
    read_wait_seconds: float | None = None
    write_wait_seconds: float | None = None
    queue_length: float | None = None
    requests_in_progress: float | None = None
    unanswered_seconds: float | None = None
    rotational: bool | None = None
    course: Course | None = hidden(None)

    def limit_seconds(self) -> float | None:
        """Return how long a request takes on a slow disk of this kind, None if another disk is judged for it."""
        if self.rotational is None:
            return None
        return SLOW_ROTATIONAL if self.rotational or self.device.startswith(CARD) else SLOW


@dataclass(frozen=True, slots=True)
class Disks:
    """All disks used since boot, sorted by name."""

    disks: tuple[Disk, ...]

    def counted_once(self) -> tuple[Disk, ...]:
        """Return the disks to add up for the machine's traffic; a sum over all would count some of it twice."""
        return tuple(disk for disk in self.disks if not disk.stacked)


def read(machine: Machine, baseline: Snapshot | None) -> Disks | None:
    """Read /proc/diskstats (psutil.disk_io_counters outside Linux); /sys/block tells whole disks from partitions."""
    table = read_diskstats(machine.host)
    if table is None:
        return None
    whole = whole_disks(machine.host) if LINUX else None
    used = {name: io.used() for name, io in table.items()}
    read_at = time.monotonic()
    before = baseline.section(Disks) if baseline else None
    then = {disk.device: disk for disk in before.disks} if before else {}
    disks = []
    for name, io in sorted(table.items()):
        # Never used: an empty card reader, or one of sixteen network block devices that nobody has set up.
        part = whole is not None and name not in whole
        if not used[name] or (part and not machine.settings.disk_partitions) or machine.hidden_disks.match(name):
            continue
        if LINUX and is_hidden(machine.host, name, used):
            continue
        # Where /sys does not tell partitions from disks, all are shown, but each byte is counted once.
        part = part or (LINUX and whole is None and is_partition(name, table))
        last = then.get(printable(name))
        stacked = part or (LINUX and is_stacked(machine.host, name))
        rotational = _rotational(machine.host, name, io, last) if LINUX and not stacked else None
        disks.append(_disk(name, io, last, read_at, stacked=stacked, rotational=rotational))
    return Disks(tuple(disks))


def _disk(
    name: str, io: DiskCounters, last: Disk | None, read_at: float, *, stacked: bool, rotational: bool | None
) -> Disk:
    """Return a disk and how it has done since ``last``, that of the baseline."""
    course = begin(io, read_at)
    elapsed = 0.0
    if last is not None and last.course is not None:
        course = go_on(last.course, io, read_at, last.limit_seconds())
        elapsed = read_at - last.course.at
    silent = 0.0 if course.silent_since is None else read_at - course.silent_since
    counted = {field: getattr(io, field) for field, _ in COUNTERS}
    since = {field: grown(value, getattr(last, field, None)) for field, value in counted.items()}
    rates = {field: None if growth is None or elapsed <= 0 else growth / elapsed for field, growth in since.items()}
    return Disk(
        device=printable(name),
        **counted,
        read_rate_bytes=rates["read_bytes"],
        write_rate_bytes=rates["written_bytes"],
        read_wait_seconds=mean_wait(since["read_seconds"], since["reads_completed"]),
        write_wait_seconds=mean_wait(since["write_seconds"], since["writes_completed"]),
        # Linux counts the time of a request once it is completed.
        queue_length=None if silent else rates["queue_seconds"],
        requests_in_progress=io.in_progress,
        unanswered_seconds=silent if io.in_progress is not None and io.in_progress >= 0 else None,
        stacked=stacked,
        rotational=rotational,
        course=course,
    )


def _rotational(host: Host, name: str, io: DiskCounters, last: Disk | None) -> bool | None:
    """Return the constant; it is read again only if another disk may have taken the name."""
    if last is not None and last.rotational is not None and grown(io.reads_completed, last.reads_completed) is not None:
        return last.rotational
    return is_rotational(host, name)


def metrics(section: Disks) -> Iterable[Metric]:
    """Return the disk families."""
    rows = [((disk.device,), disk) for disk in section.disks]
    for name, help_text in COUNTERS:
        shown = [(key, getattr(disk, name)) for key, disk in rows]
        yield from counters(f"host_disk_{name}_total", help_text, LABELS, shown)
    yield from gauges(
        "host_disk_unanswered_seconds",
        "Seconds for which requests have been in progress without one being completed, as samples have shown; else 0.",
        LABELS,
        [(k, d.unanswered_seconds) for k, d in rows],
    )
    yield from gauges(
        "host_disk_rotational",
        "1 if the disk spins, or does not say that it does not, 0 for SSDs; absent if it is built on other disks.",
        LABELS,
        [(k, d.rotational) for k, d in rows],
    )


def findings(section: Disks, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield disks that do not answer, and those that have been slow for a while."""
    silent = [disk for disk in section.disks if (disk.unanswered_seconds or 0.0) >= SILENT]
    # What is built on a disk that does not answer does not answer either.
    silent = [disk for disk in silent if disk.rotational is not None] or silent
    for disk in silent:
        reason = f"does not answer: no request completed for {(disk.unanswered_seconds or 0.0) / 60:.0f} min"
        yield Finding("HostDiskSlow", Level.CRITICAL, "Disk", disk.device, reason=reason)
    for disk in section.disks:
        course, limit = disk.course, disk.limit_seconds()
        if disk in silent or course is None or course.slow_since is None or course.request_seconds is None or not limit:
            continue
        if course.at - course.slow_since >= SLOW_FOR:
            reason = f"is slow: {1000 * course.request_seconds:.0f} ms a request (warning at {1000 * limit:.0f} ms)"
            yield Finding("HostDiskSlow", Level.WARNING, "Disk", disk.device, reason=reason)
