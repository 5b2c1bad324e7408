"""The data that flows through the program: a collector reads a section, a snapshot holds one reading per collector."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.findings import failing, worst
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine
    from exporter.thresholds import Thresholds

S = TypeVar("S")


def hidden(default: Any = MISSING) -> Any:
    """Return a dataclass field that is never shown: what the next sample compares with, or what could not be read."""
    return field(default=default, repr=False, compare=False, metadata={"hidden": True})


def per_second(now: float | None, then: float | None, elapsed: float) -> float | None:
    """Return the rate of a counter over ``elapsed`` seconds, None if either value is unknown or after a reset."""
    if now is None or then is None or elapsed <= 0:
        return None
    return (now - then) / elapsed if now >= then else None


@dataclass(frozen=True, slots=True)
class Collector:
    """One subject: its name, the section it fills, and how to read it, export it and find out what is wrong with it.

    ``read`` takes the machine and the snapshot that rates are computed against (None for the very first), and returns
    the section, or None if the machine has no such hardware. ``metrics`` and ``findings`` are pure functions of that
    section; ``findings`` also takes the owner's thresholds.

    What changes slowly is read at most once in ``every`` seconds: samples in between show the last section again, and
    its age. Such a collector computes no rates.
    """

    name: str
    section: type[Any]
    read: Callable[[Machine, Snapshot | None], Any]
    metrics: Callable[[Any], Iterable[Metric]]
    findings: Callable[[Any, Thresholds], Iterable[Finding]]
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one collector in one sample: a section, nothing (no such hardware), or an error.

    ``seconds`` is how long it took. Since start, and among the samples that were shown, ``errors`` counts the failed
    ones and ``dropped`` the values left out because they cannot be, or could not be read while the rest could.
    ``age_seconds`` says how long before the sample it was read, None if each sample reads it anew.
    """

    collector: str
    section: Any | None
    families: tuple[Metric, ...]
    findings: tuple[Finding, ...]
    error: str | None
    seconds: float
    errors: int
    dropped: int = 0
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The machine at one moment. ``time`` is Unix time, ``monotonic`` the clock for intervals; both in seconds.

    ``beside`` are findings about what is not this machine: the monitoring itself. ``firing`` are alerts about this
    machine that its figures do not show, or no longer.
    """

    time: float
    monotonic: float
    readings: tuple[Reading, ...]
    beside: tuple[Finding, ...] = ()
    firing: tuple[Finding, ...] = ()

    def section(self, kind: type[S]) -> S | None:
        """Return the section of that type, or None if its collector failed or the machine has no such hardware."""
        for reading in self.readings:
            if type(reading.section) is kind:
                return reading.section
        return None

    def assessed(self) -> tuple[Finding, ...]:
        """Return all findings, including those that are OK, and every failed collector; worst first.

        Those about the monitoring come before: if it fails, nobody is told of the others.
        """
        found = [*self.own(), *self.firing]
        return (*self.beside, *sorted(found, key=lambda each: (-each.level, each.missing, -(each.ratio or 0.0))))

    def own(self) -> list[Finding]:
        """Return what the figures themselves show."""
        found = [finding for reading in self.readings for finding in reading.findings]
        return found + [failing(each.collector, each.error) for each in self.readings if each.error is not None]

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings at warning or critical level, worst first."""
        return tuple(finding for finding in self.assessed() if finding.level > Level.OK)

    def level(self) -> Level:
        """Return the level of the whole machine, which is that of its worst finding."""
        return worst(self.findings())

    def levels(self) -> dict[tuple[str, str], Level]:
        """Return the level that the figures now have by (kind, subject); anything absent is OK."""
        worst_last = sorted(self.own(), key=lambda each: each.level)
        return {(each.kind, each.subject): each.level for each in worst_last if each.level > Level.OK}

    def failures(self) -> tuple[Reading, ...]:
        """Return the readings whose collector failed."""
        return tuple(reading for reading in self.readings if reading.error is not None)
