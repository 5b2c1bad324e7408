"""Figures that fluctuate like a real machine's, as pure functions of time: no state is kept."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

DAY = 86400.0
TURN = 2 * math.pi
_LUCK = random.Random(0)
_TABLE = tuple(_LUCK.uniform(-1, 1) for _ in range(4096))


def mixed(*keys: int) -> int:
    """Return a pseudo-random number that is always the same for the same keys."""
    number = 0x9E3779B9
    for key in keys:
        number = ((number ^ key) * 0x85EBCA6B) & 0xFFFFFFFF
        number ^= number >> 15
    return number


def noise(*keys: int) -> float:
    """Return a figure from -1 to 1 for these keys."""
    return _TABLE[mixed(*keys) & 4095]


@dataclass(frozen=True, slots=True)
class Wave:
    """A ratio with a daily cycle plus noise, whose integral is known exactly.

    ``rough`` is the noise: one arc, up or down, in each ``step`` seconds.
    """

    middle: float
    day: float
    phase: float
    rough: float
    step: float
    key: int

    def at(self, seconds: float) -> float:
        """Return the ratio at a time."""
        count, part = divmod(seconds, self.step)
        bow = noise(self.key, int(count)) * math.sin(TURN * part / self.step)
        return self.middle + self.day * math.sin(TURN * seconds / DAY + self.phase) + self.rough * bow

    def until(self, seconds: float) -> float:
        """Return its integral from 0: a counter that matches the ratio."""
        count, part = divmod(seconds, self.step)
        bow = noise(self.key, int(count)) * (1 - math.cos(TURN * part / self.step)) * self.step / TURN
        turned = math.cos(self.phase) - math.cos(TURN * seconds / DAY + self.phase)
        return self.middle * seconds + self.day * turned * DAY / TURN + self.rough * bow


def wave(luck: random.Random, middle: float) -> Wave:
    """Return a wave around a mean that stays between 0 and 1."""
    room = min(middle, 1 - middle) - 0.005
    day = room * luck.uniform(0.1, 0.6)
    return Wave(middle, day, luck.uniform(0, TURN), (room - day) * 0.9, luck.uniform(40, 200), luck.getrandbits(30))
