"""The usage at which a resource becomes a warning, and at which it becomes critical."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """Severity; levels compare, so ``max`` gives the worst."""

    OK = 0
    WARNING = 1
    CRITICAL = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Threshold:
    """The ratios (0 to 1) at which a resource becomes a warning or critical; the limits themselves count.

    A limit that is None is not set: the resource never reaches that level.
    """

    warning: float | None
    critical: float | None

    def limits(self) -> dict[Level, float]:
        """Return the limits that are set, by level, lowest first."""
        both = ((Level.WARNING, self.warning), (Level.CRITICAL, self.critical))
        return {level: limit for level, limit in both if limit is not None}

    def level(self, ratio: float) -> Level:
        """Return the level of a usage ratio."""
        return max((level for level, limit in self.limits().items() if ratio >= limit), default=Level.OK)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One threshold per resource."""

    cpu: Threshold
    memory: Threshold
    filesystem: Threshold

    def items(self) -> tuple[tuple[str, Threshold], ...]:
        """Return (resource, threshold) pairs."""
        return (("cpu", self.cpu), ("memory", self.memory), ("filesystem", self.filesystem))
