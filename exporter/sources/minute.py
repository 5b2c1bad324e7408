"""Rates over about a minute of counters that are read at any intervals."""

from __future__ import annotations

from collections import deque

SHORTEST = 60.0
"""Seconds over which rates are computed, at least; the range of the rates in HostThrashing."""

LONGEST = 900.0
"""Seconds after which a reading is too old to compare with: the mean of an hour says nothing about now."""


class Minute:
    """Keeps the readings of the last minute."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, tuple[float | None, ...]]] = deque()

    def rates(self, counters: tuple[float | None, ...], now: float) -> tuple[float | None, ...] | None:
        """Take a reading and return each counter's rate a second against the last one at least a minute older.

        None if there is none. A counter that is unknown in either, or has fallen, has no rate.
        """
        readings = self._readings
        while len(readings) > 1 and now - readings[1][0] >= SHORTEST:
            readings.popleft()
        found = None
        if readings and SHORTEST <= now - readings[0][0] <= LONGEST:
            moment, then = readings[0]
            found = tuple(_rate(*pair, now - moment) for pair in zip(then, counters, strict=True))
        # A page that refreshes itself takes a sample every few seconds: 2 s apart is close enough.
        if not readings or now - readings[-1][0] >= 2:
            readings.append((now, counters))
        return found


def _rate(then: float | None, now: float | None, elapsed: float) -> float | None:
    return None if then is None or now is None or now < then else (now - then) / elapsed
