"""The machine's clock, and whether a time service keeps it right (Linux)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import gauge
from exporter.findings import Finding
from exporter.sources.host import LINUX
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

OFF = 0.1
"""Seconds. A synchronized clock that is off by so much is a warning; the same limit as in HostClockWrong."""


@dataclass(frozen=True, slots=True)
class Clock:
    """``time_seconds`` is Unix time. The rest is the kernel's word, None where it cannot be asked.

    A clock that no time service keeps may still be right: that of a virtual machine often follows its host. So
    ``synchronized`` being False is no fault. ``error_seconds`` is by how much the clock may be wrong at most.
    """

    time_seconds: float | None
    synchronized: bool | None
    offset_seconds: float | None
    error_seconds: float | None


def read(machine: Machine, _baseline: Snapshot | None) -> Clock | None:
    """Read the clock and ask the kernel by adjtimex(2)."""
    if not LINUX:
        return None
    state = machine.clock.read()
    if state is None:
        return Clock(time.time(), None, None, None)
    return Clock(time.time(), state.synchronized, state.offset_seconds, state.max_error_seconds)


def metrics(section: Clock) -> Iterable[Metric]:
    """Return the clock families."""
    yield from gauge(
        "host_clock_time_seconds",
        "The machine's clock as Unix time when the sample was taken: to compare with Prometheus' clock, timestamp().",
        section.time_seconds,
    )
    yield from gauge(
        "host_clock_synchronized",
        "1 if a time service keeps the clock right. A 0 need not be a fault: the clock of a virtual machine may follow "
        "its host, and chrony says nothing to the kernel without rtcsync.",
        section.synchronized,
    )
    yield from gauge(
        "host_clock_offset_seconds",
        "What a synchronized clock still has to be corrected by; may be negative, and is always 0 with chrony.",
        section.offset_seconds,
    )
    yield from gauge(
        "host_clock_error_seconds",
        "By how much the clock may be wrong at most (maximum error), as far as its time service knows. It grows until "
        "the service next compares the clock, and is absent once the kernel no longer knows it (16 s).",
        section.error_seconds,
    )


def findings(section: Clock, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield a warning if a synchronized clock is far off. Prometheus finds the others that are wrong: it compares."""
    offset = section.offset_seconds
    if offset is not None and abs(offset) >= OFF:
        reason = f"is {abs(offset):.2f} s off although it is synchronized (limit {OFF:g} s)"
        yield Finding("HostClockWrong", Level.WARNING, "Clock", reason=reason)
