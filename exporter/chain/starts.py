"""Counts how often a server has started: one that crashes again and again answers most questions in between."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.chain.pace import Pace

MANY = 3
"""Starts within ``Pace.restarts``. An update is one, or two."""


class Starts:
    """The starts of one server that were noticed. Times are monotonic, in seconds."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._last = ""
        self._noticed: list[float] = []

    def see(self, started: str, now: float) -> None:
        """Take in when the server says that it was started, empty if it does not say."""
        if started and self._last and started != self._last:
            self._noticed = [*(time for time in self._noticed if now - time < self._pace.restarts), now]
        self._last = started or self._last

    def too_many(self, now: float) -> bool:
        """Return whether it keeps restarting: it has many times, and has not yet run for long since."""
        return len(self._noticed) >= MANY and now - max(self._noticed, default=-inf) < self._pace.back_again
