"""Is it well? The levels of a snapshot against the machine's own thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors.cpu import Cpu
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.model import Snapshot
    from exporter.thresholds import Threshold, Thresholds


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
