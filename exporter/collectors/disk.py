"""Disk traffic, from cumulative counters."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.families import counters
from exporter.model import hidden, per_second
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

    ``busy_seconds`` is None on systems that do not count it (macOS, Windows). ``stacked`` means built on other disks
    (LVM, RAID, encryption) or a partition of one: its traffic is counted there as well.
    """

    device: str
    read_bytes: float | None
    written_bytes: float | None
    reads_completed: float | None
    writes_completed: float | None
    busy_seconds: float | None
    read_rate_bytes: float | None = None
    write_rate_bytes: float | None = None
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Disks:
    """All disks used since boot, sorted by name."""

    disks: tuple[Disk, ...]
    read_at: float = hidden()


def read(machine: Machine, baseline: Snapshot | None) -> Disks | None:
    """Read psutil.disk_io_counters (/proc/diskstats); /sys/block tells whole disks from partitions."""
    if LINUX and not os.path.exists(f"{machine.host.proc}/diskstats"):
        return None  # psutil would fall back to its own /sys, which need not be the host's
    # nowrap makes psutil keep a table of its own, for 32-bit kernels; Prometheus handles a counter that wraps.
    table = psutil.disk_io_counters(perdisk=True, nowrap=False)
    whole = _whole_disks(machine)
    read_at = time.monotonic()
    before = baseline.section(Disks) if baseline else None
    then = {disk.device: disk for disk in before.disks} if before else {}
    elapsed = read_at - before.read_at if before else 0.0
    disks = []
    for name, io in sorted(table.items()):
        # Never used: an empty card reader, or one of sixteen network block devices that nobody has set up.
        unused = not (io.read_count or io.write_count)
        part = whole is not None and name not in whole
        if unused or (part and not machine.settings.disk_partitions) or machine.hidden_disks.match(name):
            continue
        last = then.get(printable(name))
        disks.append(
            Disk(
                device=printable(name),
                read_bytes=io.read_bytes,
                written_bytes=io.write_bytes,
                reads_completed=io.read_count,
                writes_completed=io.write_count,
                busy_seconds=io.busy_time / 1000 if hasattr(io, "busy_time") else None,
                read_rate_bytes=per_second(io.read_bytes, last.read_bytes if last else None, elapsed),
                write_rate_bytes=per_second(io.write_bytes, last.written_bytes if last else None, elapsed),
                stacked=part or _stacked(machine, name),
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


def _whole_disks(machine: Machine) -> set[str] | None:
    """Return the names of whole disks, as opposed to partitions, or None if the system does not say."""
    if not LINUX:
        return None
    try:
        # A "/" in a device's name (cciss/c0d0) is a "!" in /sys.
        return {name.replace("!", "/") for name in os.listdir(f"{machine.host.sys}/block")}
    except OSError:
        return None


def _stacked(machine: Machine, name: str) -> bool:
    """Return whether a disk is built on others (/sys/block/NAME/slaves)."""
    try:
        return LINUX and bool(os.listdir(f"{machine.host.sys}/block/{name.replace('/', '!')}/slaves"))
    except OSError:
        return False
