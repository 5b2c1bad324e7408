"""Recent samples, kept in memory for the status page's sparklines; long-term history is Prometheus' job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors.cpu import Cpu
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory

if TYPE_CHECKING:
    from exporter.model import Snapshot

LENGTH = 300


@dataclass(frozen=True, slots=True)
class Point:
    """Usage ratios (0-1) of one sample; None if they could not be read."""

    monotonic: float
    cpu: float | None
    memory: float | None
    filesystem: float | None


class History:
    """Keeps the last 300 points. ``add`` is the sampler's ``on_sample``."""

    def __init__(self) -> None:
        # Always replaced as a whole: other threads read it while they render pages.
        self._points: tuple[Point, ...] = ()

    def add(self, snapshot: Snapshot) -> None:
        """Keep the part of a new sample that the sparklines show."""
        cpu, memory = snapshot.section(Cpu), snapshot.section(Memory)
        filesystems = snapshot.section(Filesystems)
        fullest = filesystems.fullest() if filesystems else None
        point = Point(
            monotonic=snapshot.monotonic,
            cpu=cpu.usage_ratio if cpu else None,
            memory=memory.usage_ratio if memory else None,
            filesystem=fullest.usage_ratio if fullest else None,
        )
        self._points = (*self._points[1 - LENGTH :], point)

    def points(self) -> tuple[Point, ...]:
        """Return the points, oldest first."""
        return self._points
