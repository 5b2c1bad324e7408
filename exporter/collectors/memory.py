"""Memory and swap."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauge
from exporter.findings import against
from exporter.model import hidden
from exporter.plausible import within
from exporter.sources.attempt import attempt
from exporter.sources.host import LINUX, WINDOWS
from exporter.sources.meminfo import read_memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. ``used_bytes`` is total minus available; ``swap_usage_ratio`` is None without swap.

    Available is what ``free`` shows, plus what that leaves out: ZFS' cache above its minimum, and free huge pages. Free
    is what nothing uses, not even a cache; available may be less, because the kernel keeps some of it for itself.
    ``programs`` is what all programs hold together, anonymous and shared, for the next sample of processes.
    """

    total_bytes: float | None
    available_bytes: float | None
    free_bytes: float | None
    used_bytes: float | None
    usage_ratio: float | None
    swap_total_bytes: float | None
    swap_used_bytes: float | None
    swap_usage_ratio: float | None
    missing: tuple[str, ...] = hidden(())
    programs: tuple[float | None, ...] = hidden(())


def read(machine: Machine, _baseline: Snapshot | None) -> Memory:
    """Read /proc/meminfo on Linux, psutil.virtual_memory and psutil.swap_memory elsewhere."""
    missing: list[str] = []
    programs: tuple[float | None, ...] = ()
    swap_used: float | None
    free: float | None
    if LINUX:
        total, available, free, swap_total, swap_free, *held = read_memory(machine.host)
        programs = tuple(None if each is None or isnan(each) else each for each in held)
        swap_used = None if swap_total is None or swap_free is None else swap_total - swap_free
    else:
        memory = psutil.virtual_memory()
        total, available = memory.total, memory.available
        # On Windows psutil says available once more: its caches (the standby list) are in there too.
        free = None if WINDOWS else memory.free
        # Windows has no swap figures while its performance counters are switched off.
        swap = attempt("swap", psutil.swap_memory, missing)
        swap_total, swap_used = (swap.total, swap.used) if swap else (None, None)
    # More than there is: a container's own /proc/meminfo (lxcfs) can say so.
    available, free, swap_used = within(available, total), within(free, total), within(swap_used, swap_total)
    used = None if total is None or available is None else within(total - available, total)
    return Memory(
        total_bytes=total,
        available_bytes=available,
        free_bytes=free,
        used_bytes=used,
        usage_ratio=used / total if total and used is not None else None,
        swap_total_bytes=swap_total,
        swap_used_bytes=swap_used,
        swap_usage_ratio=swap_used / swap_total if swap_total and swap_used is not None else None,
        missing=tuple(missing),
        programs=programs,
    )


def metrics(section: Memory) -> Iterable[Metric]:
    """Return the memory and swap families."""
    yield from gauge("host_memory_total_bytes", "Memory usable by the system.", section.total_bytes)
    yield from gauge(
        "host_memory_available_bytes",
        "Memory that programs can get without swapping: free memory, reclaimable caches, ZFS' cache above its minimum, "
        "free huge pages.",
        section.available_bytes,
    )
    yield from gauge(
        "host_memory_free_bytes", "Memory that nothing uses, not even caches; unknown on Windows.", section.free_bytes
    )
    yield from gauge("host_memory_used_bytes", "Total memory minus available memory.", section.used_bytes)
    yield from gauge(
        "host_memory_usage_ratio", "Share of memory in use, 0-1: 1 - available/total.", section.usage_ratio
    )
    yield from gauge("host_swap_total_bytes", "Swap space; 0 if there is none.", section.swap_total_bytes)
    yield from gauge("host_swap_used_bytes", "Swap space in use.", section.swap_used_bytes)
    yield from gauge(
        "host_swap_usage_ratio", "Share of swap in use, 0-1; absent without swap.", section.swap_usage_ratio
    )


def findings(section: Memory, thresholds: Thresholds) -> Iterable[Finding]:
    """Compare memory usage with the owner's thresholds."""
    yield from against(
        thresholds.memory,
        section.usage_ratio,
        kind="HostHighMemory",
        resource="memory",
        what="Memory",
        culprits="memory",
    )
