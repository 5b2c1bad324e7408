"""The samples that rates are computed against."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.model import Reading, Snapshot

MIN_WINDOW = 0.5
"""Seconds that rates are computed over at least: /proc counts CPU time in steps of 10 ms."""

MAX_WINDOW = 900.0
"""Seconds after which an old sample says nothing about now: a page opened after a night shows the present. Longer than
any interval at which somebody scrapes (Prometheus forgets after 300 s)."""


class Baselines:
    """Two samples at least MIN_WINDOW apart: one of them is always old enough.

    In place of a collector that failed stands what it gave before: its next rates are over the longer time (each
    section knows when it was read), and not missing.
    """

    def __init__(self) -> None:
        self._kept: list[Snapshot] = []
        self._given: dict[str, tuple[float, Reading]] = {}

    def choose(self, now: float) -> tuple[Snapshot | None, bool]:
        """Return what a sample is compared with, and whether it may be shown or is but the next one's baseline."""
        if not self._kept:
            return None, False
        if now - self._kept[-1].monotonic > MAX_WINDOW:
            # Against the old one still, since counters must not seem to fall.
            return self._kept[-1], False
        old = (each for each in reversed(self._kept) if now - each.monotonic >= MIN_WINDOW)
        return next(old, self._kept[0]), True

    def start(self, snapshot: Snapshot) -> None:
        """Compare with this sample from now on."""
        self._kept = [self._completed(snapshot)]

    def add(self, snapshot: Snapshot) -> None:
        """Take over a newer sample, if it is far enough from the last one."""
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
