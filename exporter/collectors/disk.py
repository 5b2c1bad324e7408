"""Disk traffic, from cumulative counters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import counters
from exporter.model import hidden, per_second
from exporter.sources.disks import is_hidden, is_partition, is_stacked, whole_disks
from exporter.sources.diskstats import read_diskstats
from exporter.sources.host import LINUX, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot

LABELS = ("device",)


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk: counters since boot; rates in bytes per second since the previous sample, None in the first.

    ``busy_seconds`` and ``queue_seconds`` are None on macOS and Windows, which do not count them, ``read_seconds`` and
    ``write_seconds`` on Windows. ``stacked`` means built on other disks (LVM, RAID, encryption, a ZFS volume) or a
    partition of one: its traffic is counted there as well.
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


@dataclass(frozen=True, slots=True)
class Disks:
    """All disks used since boot, sorted by name."""

    disks: tuple[Disk, ...]
    read_at: float = hidden()

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
    elapsed = read_at - before.read_at if before else 0.0
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
        disks.append(
            Disk(
                device=printable(name),
                read_bytes=io.read_bytes,
                written_bytes=io.written_bytes,
                reads_completed=io.reads_completed,
                writes_completed=io.writes_completed,
                busy_seconds=io.busy_seconds,
                read_seconds=io.read_seconds,
                write_seconds=io.write_seconds,
                queue_seconds=io.queue_seconds,
                read_rate_bytes=per_second(io.read_bytes, last.read_bytes if last else None, elapsed),
                write_rate_bytes=per_second(io.written_bytes, last.written_bytes if last else None, elapsed),
                stacked=part or (LINUX and is_stacked(machine.host, name)),
            )
        )
    return Disks(tuple(disks), read_at)


def metrics(section: Disks) -> Iterable[Metric]:
    """Return the disk families."""
    rows = [((disk.device,), disk) for disk in section.disks]
    yield from counters(
        "host_disk_read_bytes_total", "Bytes read since boot.", LABELS, [(k, d.read_bytes) for k, d in rows]
    )
    yield from counters(
        "host_disk_written_bytes_total",
        "Bytes written since boot.",
        LABELS,
        [(k, d.written_bytes) for k, d in rows],
    )
    yield from counters(
        "host_disk_reads_completed_total",
        "Reads completed since boot.",
        LABELS,
        [(k, d.reads_completed) for k, d in rows],
    )
    yield from counters(
        "host_disk_writes_completed_total",
        "Writes completed since boot.",
        LABELS,
        [(k, d.writes_completed) for k, d in rows],
    )
    yield from counters(
        "host_disk_busy_seconds_total",
        "Seconds since boot during which at least one request was in progress.",
        LABELS,
        [(k, d.busy_seconds) for k, d in rows],
    )
    yield from counters(
        "host_disk_read_seconds_total",
        "Seconds that reads took since boot, added up: over the reads completed, the mean time of one.",
        LABELS,
        [(k, d.read_seconds) for k, d in rows],
    )
    yield from counters(
        "host_disk_write_seconds_total",
        "Seconds that writes took since boot, added up: over the writes completed, the mean time of one.",
        LABELS,
        [(k, d.write_seconds) for k, d in rows],
    )
    yield from counters(
        "host_disk_queue_seconds_total",
        "Seconds that requests spent queued and in progress since boot, added up: the rate is the mean queue length.",
        LABELS,
        [(k, d.queue_seconds) for k, d in rows],
    )
