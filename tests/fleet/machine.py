"""A simulated machine: its fixed traits, and its state at one moment."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property

from tests.fleet import programs
from tests.fleet.life import STEADY, Life, life
from tests.fleet.waves import Wave, wave

ORIGIN = 1_750_000_000.0
"""Start of the waves (Unix time, June 2025): recent enough for their integrals to stay exact."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Of 100 machines, about 2 each are short of CPU, memory and disk space; one more fills up within two days.

    ``room`` is the usage ratio of its first filesystem, ``fills`` the growth of that ratio per second.
    """

    number: int
    name: str
    life: Life
    load: Wave
    traffic: Wave
    memory: Wave
    room: float
    fills: float
    size: float
    steady: tuple[str, ...]

    @classmethod
    def make(cls, number: int, seed: int) -> Machine:
        """Return the machine with this number; the first is never down."""
        luck = random.Random(f"{seed}/{number}")
        lot = luck.randrange(100)
        return cls(
            number=number,
            name=f"{luck.choice(('web', 'db', 'lab', 'pc', 'build'))}-{number:05d}",
            life=life(luck) if number else STEADY,
            load=wave(luck, luck.choice((0.87, 0.95)) if lot in {0, 1} else luck.uniform(0.02, 0.45)),
            traffic=wave(luck, luck.uniform(0.05, 0.6)),
            memory=wave(luck, luck.choice((0.87, 0.95)) if lot in {2, 3} else luck.uniform(0.2, 0.65)),
            room=luck.choice((0.86, 0.94)) if lot in {4, 5} else luck.uniform(0.1, 0.65),
            fills=1 / luck.uniform(86400, 172800) if lot == 6 else 0.0,
            size=luck.uniform(0.3, 3),
            steady=tuple(luck.sample(programs.STEADY, 5)),
        )


class Moment:
    """A machine's state at a Unix time: ratios, and their integrals since boot, for the counters."""

    def __init__(self, machine: Machine, now: float, cpus: int, memory_total: float) -> None:
        self.machine, self.now, self.cpus, self.memory_total = machine, now, cpus, memory_total
        self.booted = machine.life.booted(now)
        self.up = now - self.booted
        since, begin = now - ORIGIN, self.booted - ORIGIN
        busy = machine.load.until(since)
        self.load = (busy - machine.load.until(since - 15)) / 15
        """CPU usage since the last scrape."""
        self.busy = busy - machine.load.until(begin)
        self.traffic = machine.traffic.until(since) - machine.traffic.until(begin)
        self.memory = int(memory_total * machine.memory.at(since)) // 4096 * 4096
        """Bytes in use."""

    @cached_property
    def programs(self) -> dict[str, bytes]:
        """Return the exposition lines of its top processes."""
        return programs.lines(self)
