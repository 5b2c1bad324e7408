"""Takes snapshots: on demand, one at a time, shared, each collector timed and isolated."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from exporter.collectors import COLLECTORS
from exporter.model import Collector, Reading, Snapshot
from exporter.sources.host import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client.core import Metric

    from exporter.machine import Machine

log = logging.getLogger("exporter")

MIN_WINDOW = 0.5
"""Seconds that rates are computed over at least: /proc counts CPU time in steps of 10 ms."""

MAX_WINDOW = 900.0
"""Seconds after which an old sample says nothing about now: a page opened after a night shows the present. Longer than
any interval at which somebody scrapes (Prometheus forgets after 300 s)."""


LONGEST_ERROR = 300
"""Characters: some errors bring the whole line with them that could not be read."""


class Sampler:
    """Owns the samples. ``on_sample`` is called with each new one, inside the lock, so in their order."""

    def __init__(
        self,
        machine: Machine,
        collectors: Sequence[Collector] = COLLECTORS,
        *,
        on_sample: Callable[[Snapshot], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._machine = machine
        self._collectors = tuple(collectors)
        self._on_sample = on_sample
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._latest: Snapshot | None = None
        self._count = 0
        # Two samples at least MIN_WINDOW apart: one of them is always old enough to compute rates against.
        self._baselines: list[Snapshot] = []
        self._errors = dict.fromkeys((collector.name for collector in self._collectors), 0)
        self._failing: set[str] = set()

    def prime(self) -> None:
        """Take the sample that the first rates are computed against; it is shown to nobody."""
        with self._lock:
            self._baselines = [self._take(None, shown=False)]

    def sample(self, max_age: float | None = None) -> Snapshot:
        """Return a snapshot no older than ``max_age`` seconds (default: the setting), taking one if needed.

        Whoever arrives while one is being taken gets that one, however long it took.
        """
        if max_age is None:
            max_age = self._machine.settings.max_age
        seen = self._count
        with self._lock:
            latest = self._latest
            if latest is not None and (self._count != seen or self._clock() - latest.monotonic < max_age):
                return latest
            snapshot = self._take(self._baseline())
            self._keep(snapshot)
            return snapshot

    def _baseline(self) -> Snapshot:
        """Return a sample between MIN_WINDOW and MAX_WINDOW old, waiting for it where there is none."""
        if not self._baselines or self._clock() - self._baselines[-1].monotonic > MAX_WINDOW:
            # Against the old one still, since counters must not seem to fall.
            old = self._baselines[-1] if self._baselines else None
            self._baselines = [self._take(old, shown=False)]
        for snapshot in reversed(self._baselines):
            if self._clock() - snapshot.monotonic >= MIN_WINDOW:
                return snapshot
        oldest = self._baselines[0]
        self._sleep(max(0.0, oldest.monotonic + MIN_WINDOW - self._clock()))
        return oldest

    def _keep(self, snapshot: Snapshot) -> None:
        if snapshot.monotonic - self._baselines[-1].monotonic >= MIN_WINDOW:
            self._baselines = [self._baselines[-1], snapshot]
        self._latest = snapshot
        self._count += 1
        if self._on_sample is not None:
            self._on_sample(snapshot)

    def _take(self, baseline: Snapshot | None, *, shown: bool = True) -> Snapshot:
        """Take a sample; one that is shown to nobody counts no errors."""
        now, monotonic = time.time(), self._clock()
        readings = tuple(self._read(collector, baseline, shown) for collector in self._collectors)
        return Snapshot(now, monotonic, readings)

    def _read(self, collector: Collector, baseline: Snapshot | None, shown: bool) -> Reading:
        section: Any = None
        families: tuple[Metric, ...] = ()
        error: str | None = None
        begin = time.perf_counter()
        try:
            section = collector.read(self._machine, baseline)
            families = () if section is None else tuple(collector.metrics(section))
        except Exception as reason:
            section, families, error = None, (), _describe(reason)
            self._errors[collector.name] += shown
            log.debug("collector %s", collector.name, exc_info=True)
        seconds = time.perf_counter() - begin
        self._report(collector.name, error)
        return Reading(collector.name, section, families, error, seconds, self._errors[collector.name])

    def _report(self, name: str, error: str | None) -> None:
        """Log a failure when it begins and when it is over, not at every scrape."""
        if error is not None and name not in self._failing:
            log.warning("collector %s failed: %s", name, error)
            self._failing.add(name)
        elif error is None and name in self._failing:
            log.warning("collector %s works again", name)
            self._failing.discard(name)


def _describe(reason: Exception) -> str:
    """Return an exception as one line of plain words for the page, the log and the terminal."""
    text = printable(_words(reason))
    return text if len(text) <= LONGEST_ERROR else f"{text[: LONGEST_ERROR - 4]} ..."


def _words(reason: Exception) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return f"{reason.filename}: {reason.strerror}" if reason.filename else reason.strerror
    text = " ".join(str(reason).split())
    if " " in text:  # a sentence; one word alone says nothing, such as the 'x' of a KeyError
        return text
    return f"{type(reason).__name__}: {text}" if text else type(reason).__name__
