"""Pressure stall information (PSI): how long tasks waited for CPU, memory or disks (Linux)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import counters
from exporter.sources.host import LINUX, number, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot

RESOURCES = ("cpu", "io", "irq", "memory")
_LINE = re.compile(r"(some|full) avg10=([0-9]+\.[0-9]+) .* total=([0-9]{1,20})", re.ASCII)
"""A line as the kernel writes it; any other is taken apart."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """Seconds since boot during which some (``waiting``) or all (``stalled``) non-idle tasks waited for the resource.

    The ratios are the kernel's own averages over the last 10 s. They are not computed from the seconds, which the
    kernel updates only every two seconds: too coarse for a short interval.
    """

    resource: str
    waiting_seconds: float | None
    stalled_seconds: float | None
    waiting_ratio: float | None = None
    stalled_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Pressures:
    """All resources that the kernel reports on."""

    resources: tuple[Pressure, ...]


def read(machine: Machine, _baseline: Snapshot | None) -> Pressures | None:
    """Read /proc/pressure/*; None if the kernel lacks it or has it disabled."""
    found = []
    for resource in RESOURCES if LINUX else ():
        text = read_text(f"{machine.host.proc}/pressure/{resource}")
        if text is None:
            continue
        lines = {line[0]: line[1:] for line in map(_line, text.split("\n"))}
        # The kernel prints a "full" line for the CPU too, always zero: while tasks wait for a CPU, one task has it.
        waiting = lines.get("some", (None, None))
        stalled = lines.get("full", (None, None)) if resource != "cpu" else (None, None)
        found.append(Pressure(resource, waiting[0], stalled[0], waiting[1], stalled[1]))
    if LINUX and not found:
        machine.host.missing("pressure")
    return Pressures(tuple(found)) if found else None


def metrics(section: Pressures) -> Iterable[Metric]:
    """Return the pressure families."""
    yield from counters(
        "host_pressure_waiting_seconds_total",
        "Seconds since boot during which at least one task waited for the resource.",
        ("resource",),
        [((pressure.resource,), pressure.waiting_seconds) for pressure in section.resources],
    )
    yield from counters(
        "host_pressure_stalled_seconds_total",
        "Seconds since boot during which all non-idle tasks waited for the resource at once.",
        ("resource",),
        [((pressure.resource,), pressure.stalled_seconds) for pressure in section.resources],
    )


def _line(line: str) -> tuple[str, float | None, float | None]:
    """Return a line's kind, seconds and ratio: "some avg10=0.12 avg60=0.00 avg300=0.00 total=7350000"."""
    if whole := _LINE.fullmatch(line):
        return whole[1], int(whole[3]) / 1e6, float(whole[2]) / 100
    kind, *pairs = line.split() or [""]
    values = dict(pair.partition("=")[::2] for pair in pairs)
    total, share = values.get("total"), values.get("avg10")
    return kind, None if total is None else number(total) / 1e6, None if share is None else number(share) / 100
