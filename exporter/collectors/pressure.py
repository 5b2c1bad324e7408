"""Pressure stall information: how long tasks waited for CPU, memory or disks (Linux)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import counters
from exporter.sources.host import LINUX, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot

RESOURCES = ("cpu", "io", "irq", "memory")
_LINE = re.compile(r"^(some|full) .*\btotal=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pressure:
    """Seconds since boot in which some, or all, tasks that had work stood waiting for the resource."""

    resource: str
    waiting_seconds: float | None
    stalled_seconds: float | None


@dataclass(frozen=True, slots=True)
class Pressures:
    """All resources that the kernel reports."""

    resources: tuple[Pressure, ...]


def read(machine: Machine, _baseline: Snapshot | None) -> Pressures | None:
    """Read /proc/pressure/*; None on kernels without it, or with it switched off."""
    found = []
    for resource in RESOURCES if LINUX else ():
        text = read_text(f"{machine.host.proc}/pressure/{resource}")
        if text is None:
            continue
        totals = {kind: int(total) / 1e6 for kind, total in _LINE.findall(text)}
        # The kernel prints a line "full" for the CPU too, always zero: with no CPU there is always one at work.
        found.append(Pressure(resource, totals.get("some"), None if resource == "cpu" else totals.get("full")))
    return Pressures(tuple(found)) if found else None


def metrics(section: Pressures) -> Iterable[Metric]:
    """Return the pressure families."""
    yield from counters(
        "host_pressure_waiting_seconds_total",
        "Seconds since boot in which at least one task waited for the resource.",
        ("resource",),
        [((pressure.resource,), pressure.waiting_seconds) for pressure in section.resources],
    )
    yield from counters(
        "host_pressure_stalled_seconds_total",
        "Seconds since boot in which all tasks with work waited for the resource at once.",
        ("resource",),
        [((pressure.resource,), pressure.stalled_seconds) for pressure in section.resources],
    )
