"""Is it well? The levels of a snapshot against the machine's own thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from exporter.collectors.cpu import Cpu
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.model import Snapshot


class Level(IntEnum):
    """How bad it is, comparable: ``max`` of some levels is the worst."""

    OK = 0
    WARNING = 1
    CRITICAL = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Threshold:
    """The ratios (0 to 1) from which a resource is in trouble; a level is reached at its value."""

    warning: float
    critical: float

    def level(self, ratio: float) -> Level:
        """Return the level of a usage ratio."""
        if ratio >= self.critical:
            return Level.CRITICAL
        return Level.WARNING if ratio >= self.warning else Level.OK


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One threshold a resource."""

    cpu: Threshold
    memory: Threshold
    filesystem: Threshold

    def items(self) -> tuple[tuple[str, Threshold], ...]:
        """Return (resource, threshold) pairs."""
        return (("cpu", self.cpu), ("memory", self.memory), ("filesystem", self.filesystem))


@dataclass(frozen=True, slots=True)
class Finding:
    """The level of one resource. ``subject`` is the mountpoint of a filesystem, else empty.

    ``limit`` is the threshold ratio that was reached, or the warning threshold where none was.
    """

    resource: str
    subject: str
    ratio: float
    level: Level
    limit: float


def findings(snapshot: Snapshot, thresholds: Thresholds) -> tuple[Finding, ...]:
    """Return the level of every resource that has thresholds, the worst first."""
    found = [
        Finding(resource, subject, ratio, level, limit)
        for resource, subject, ratio, threshold in _usages(snapshot, thresholds)
        for level in (threshold.level(ratio),)
        for limit in (threshold.critical if level is Level.CRITICAL else threshold.warning,)
    ]
    return tuple(sorted(found, key=lambda finding: (-finding.level, -finding.ratio)))


def worst(found: tuple[Finding, ...]) -> Level:
    """Return the worst level of some findings."""
    return max((finding.level for finding in found), default=Level.OK)


def _usages(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[tuple[str, str, float, Threshold]]:
    if (cpu := snapshot.section(Cpu)) and cpu.usage_ratio is not None:
        yield "cpu", "", cpu.usage_ratio, thresholds.cpu
    if (memory := snapshot.section(Memory)) and memory.usage_ratio is not None:
        yield "memory", "", memory.usage_ratio, thresholds.memory
    if filesystems := snapshot.section(Filesystems):
        for filesystem in filesystems.filesystems:
            if filesystem.usage_ratio is not None:
                yield "filesystem", filesystem.mountpoint, filesystem.usage_ratio, thresholds.filesystem
