"""Memory and swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauge
from exporter.findings import against

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. ``used_bytes`` is total minus available, as in ``free``; ``swap_usage_ratio`` is None without swap."""

    total_bytes: int | None
    available_bytes: int | None
    used_bytes: int | None
    usage_ratio: float | None
    swap_total_bytes: int | None
    swap_used_bytes: int | None
    swap_usage_ratio: float | None


def read(_machine: Machine, _baseline: Snapshot | None) -> Memory:
    """Read psutil.virtual_memory and psutil.swap_memory (/proc/meminfo)."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    # A container's own /proc/meminfo (lxcfs) can report more memory available, or more swap free, than the total.
    available = min(memory.available, memory.total)
    used, swap_used = memory.total - available, max(0, swap.used)
    return Memory(
        total_bytes=memory.total,
        available_bytes=available,
        used_bytes=used,
        usage_ratio=used / memory.total if memory.total else None,
        swap_total_bytes=swap.total,
        swap_used_bytes=swap_used,
        swap_usage_ratio=swap_used / swap.total if swap.total else None,
    )


def metrics(section: Memory) -> Iterable[Metric]:
    """Return the memory and swap families."""
    yield from gauge("host_memory_total_bytes", "Memory usable by the system.", section.total_bytes)
    yield from gauge(
        "host_memory_available_bytes",
        "Memory available to programs without swapping, including reclaimable caches.",
        section.available_bytes,
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
