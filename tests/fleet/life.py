"""When a simulated machine booted, and when it is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fleet.waves import DAY

if TYPE_CHECKING:
    from random import Random

OFF = 30.0
"""Seconds that a machine is down during a reboot."""


@dataclass(frozen=True, slots=True)
class Life:
    """A machine's schedule: reboots every so many seconds, and outages without a reboot."""

    every: float
    offset: float
    away_every: float = DAY
    away_for: float = 0.0

    def booted(self, now: float) -> float:
        """Return the time of the last boot."""
        begin = now - (now - self.offset) % self.every + OFF
        return begin if begin <= now else begin - self.every

    def answers(self, now: float) -> bool:
        """Return whether it can be scraped."""
        off = (now - self.offset) % self.every < OFF
        return not off and (now - self.offset) % self.away_every >= self.away_for


STEADY = Life(400 * DAY, 0.5 * DAY)
"""A machine that is always up."""


def life(luck: Random) -> Life:
    """Return a random schedule: 2 % reboot about every half hour, 3 % drop out about every quarter of an hour."""
    restless, leaving = luck.random() < 0.02, luck.random() < 0.03
    every = luck.uniform(1200, 2400) if restless else luck.uniform(5, 60) * DAY
    away_every, away_for = luck.uniform(600, 1200), luck.uniform(40, 240)
    return Life(every, luck.uniform(0, every), away_every, away_for if leaving else 0.0)
