"""The samples that serve as baselines for rates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.model import Reading, Snapshot

MIN_WINDOW = 0.5
"""Shortest time, in seconds, to compute rates over: /proc counts CPU time in steps of 10 ms."""

MAX_WINDOW = 900.0
"""Seconds after which a sample is too old a baseline: a page opened in the morning must not show the night's average.
Longer than any practical scrape interval (Prometheus considers a series stale after 300 s)."""


class Baselines:
    """Keeps two samples at least MIN_WINDOW apart, so that one of them is always old enough.

    For a collector that failed, its previous reading is kept: its next rates then cover the longer time (each section
    knows when it was read) instead of being missing.
    """

    def __init__(self) -> None:
        self._kept: list[Snapshot] = []
        self._given: dict[str, tuple[float, Reading]] = {}

    def choose(self, now: float) -> tuple[Snapshot | None, bool]:
        """Return the next sample's baseline, and whether that sample may be shown or only serves as a baseline."""
        if not self._kept:
            return None, False
        if now - self._kept[-1].monotonic > MAX_WINDOW:
            # Still compare with the old sample: counters must not appear to go backwards.
            return self._kept[-1], False
        old = (each for each in reversed(self._kept) if now - each.monotonic >= MIN_WINDOW)
        return next(old, self._kept[0]), True

    def start(self, snapshot: Snapshot) -> None:
        """Make this sample the only baseline."""
        self._kept = [self._completed(snapshot)]

    def add(self, snapshot: Snapshot) -> None:
        """Add a newer sample if it is at least MIN_WINDOW after the last one."""
        if snapshot.monotonic - self._kept[-1].monotonic >= MIN_WINDOW:
            self._kept = [self._kept[-1], self._completed(snapshot)]

    def _completed(self, snapshot: Snapshot) -> Snapshot:
        oldest = snapshot.monotonic - MAX_WINDOW
        readings = []
        for reading in snapshot.readings:
            if reading.error is None:
                self._given[reading.collector] = (snapshot.monotonic, reading)
            when, given = self._given.get(reading.collector, (oldest, reading))
            readings.append(given if when > oldest else reading)
        return replace(snapshot, readings=tuple(readings))
