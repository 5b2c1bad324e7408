"""One pass over the collectors: the result of each, and what to report for those that have not answered."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.model import Collector, Reading, Snapshot
from exporter.plausible import plausible
from exporter.sources.attempt import describe

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine

log = logging.getLogger("exporter")

MOST_WARNINGS = 100
"""Impossible values logged per collector; further ones are only counted. A driver can lie in ever new words."""


class Outcome(NamedTuple):
    """The result of a collector, or an error of one line; ``seconds`` is how long it took.

    ``dropped`` describes the values that were left out because they cannot be, ``missing`` the parts of the section
    that could not be read. ``read_at`` is when it was read, by the sampler's clock, for a collector that is not read in
    each sample.
    """

    section: Any | None
    families: tuple[Metric, ...]
    findings: tuple[Finding, ...]
    error: str | None
    seconds: float
    dropped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    read_at: float | None = None


def failed(error: str, seconds: float) -> Outcome:
    """Return the outcome of a collector that failed."""
    return Outcome(None, (), (), error, seconds)


@dataclass(slots=True)
class Call:
    """A collector being read: by which thread, and since when (``time.monotonic``; inf if not yet begun)."""

    thread: threading.Thread
    begun: float = inf

    def seconds(self) -> float:
        """Return for how many seconds the collector has been running."""
        return max(0.0, time.monotonic() - self.begun)


@dataclass(slots=True, eq=False)
class Pass:
    """A sample in progress. ``left`` holds the collectors that no thread has started to read.

    Rates are computed against ``baseline``. Reading begins once that is old enough: at ``begin`` by the sampler's
    clock, which is ``due`` by ``time.monotonic``. A pass that is not ``shown`` serves only as the next one's baseline.
    """

    collectors: tuple[Collector, ...]
    baseline: Snapshot | None
    shown: bool
    begin: float
    due: float
    left: deque[Collector] = field(default_factory=deque)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    time: float = 0.0
    monotonic: float = 0.0
    begun: float = inf

    def start(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """Wait until the baseline is old enough, then record the time; only the first caller does so."""
        if self.begun == inf:
            if (pause := self.begin - clock()) > 0:
                sleep(pause)
            self.time, self.monotonic, self.begun = time.time(), clock(), time.monotonic()

    def age(self) -> float:
        """Return the seconds since reading began, or was due if no thread could be started; negative before that."""
        return time.monotonic() - min(self.begun, self.due)

    def is_complete(self) -> bool:
        """Return whether every collector has answered."""
        return len(self.outcomes) == len(self.collectors)

    def snapshot(self, tally: Tally) -> Snapshot:
        """Return the finished snapshot."""
        outcomes = self.outcomes
        readings = (tally.reading(each.name, outcomes[each.name], self.monotonic) for each in self.collectors)
        return Snapshot(self.time, self.monotonic, tuple(readings))

    def so_far(self, running: Mapping[str, Call], tally: Tally, limit: float) -> Snapshot:
        """Return the results available after ``limit`` seconds; collectors still missing are reported as late."""
        known = self.outcomes
        missing = {each.name: late(running.get(each.name), limit) for each in self.collectors if each.name not in known}
        outcomes = {**missing, **known}
        readings = (tally.reading(each.name, outcomes[each.name], self.monotonic) for each in self.collectors)
        began = self.begun < inf
        return Snapshot(self.time if began else time.time(), self.monotonic, tuple(readings))


class Tally:
    """Counts failed samples, and dropped values and missing parts, per collector.

    Logs when a collector starts to fail and recovers, and each value that cannot be and each part that cannot be read
    the first time: not at every sample.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._errors = dict.fromkeys(names, 0)
        self._dropped = dict.fromkeys(self._errors, 0)
        self._failing: set[str] = set()
        self._logged: dict[str, set[str]] = {name: set() for name in self._errors}

    def reading(self, name: str, outcome: Outcome, now: float) -> Reading:
        """Return a collector's outcome with its counts since start, and its age at ``now`` by the sampler's clock."""
        section, families, findings, error, seconds, *_, read_at = outcome
        counts = self._errors[name], self._dropped[name]
        age = None if read_at is None else max(0.0, now - read_at)
        return Reading(name, section, families, findings, error, seconds, *counts, age)

    def add(self, name: str, outcome: Outcome, *, counted: bool) -> None:
        """Record how a collector fared in a sample; ``counted`` is False for a sample that nobody sees."""
        error = outcome.error
        self._errors[name] += counted and error is not None
        self._dropped[name] += counted and len(outcome.dropped) + len(outcome.missing)
        if error is not None and name not in self._failing:
            log.warning("collector %s failed: %s", name, error)
            self._failing.add(name)
        elif error is None and name in self._failing:
            log.warning("collector %s works again", name)
            self._failing.discard(name)
        for text in outcome.dropped:
            # The figure itself may be another one at each sample.
            what, _, figure = text.rpartition(" ")
            self._log(name, what, f"{what} {figure}, which cannot be: left out")
        for text in outcome.missing:
            self._log(name, text.partition(":")[0], text)

    def _log(self, name: str, what: str, text: str) -> None:
        logged = self._logged[name]
        if what not in logged and len(logged) < MOST_WARNINGS:
            logged.add(what)
            log.warning("collector %s: %s", name, text)


def late(call: Call | None, limit: float) -> Outcome:
    """Return the outcome of a collector that took too long or, if ``call`` is None, was never started."""
    return failed(f"no answer within {limit:.3g} s", call.seconds() if call else 0.0)


def stuck(call: Call) -> Outcome:
    """Return the outcome of a collector that is skipped because its last call has not returned."""
    # 0 s, because this sample did not wait for it.
    return failed(f"still no answer after {call.seconds():.0f} s", 0.0)


def read(collector: Collector, machine: Machine, baseline: Snapshot | None) -> Outcome:
    """Run a collector and return its section, metrics and findings; any exception becomes the outcome's error."""
    begin = time.perf_counter()
    try:
        section, dropped = plausible(collector.read(machine, baseline))
        families = () if section is None else tuple(collector.metrics(section))
        findings = () if section is None else tuple(collector.findings(section, machine.thresholds))
    except Exception as reason:
        log.debug("collector %s", collector.name, exc_info=True)
        return failed(describe(reason), time.perf_counter() - begin)
    missing = getattr(section, "missing", ())
    return Outcome(section, families, findings, None, time.perf_counter() - begin, dropped, missing)
