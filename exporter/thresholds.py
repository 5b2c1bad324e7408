"""The limits of a machine: from which usage on it is a warning, and from which critical."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


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
