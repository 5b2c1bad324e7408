"""One pass over the collectors: what each gave, and what is said of those that have not answered."""

from __future__ import annotations

import logging
import time
from collections import deque
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.model import Collector, Reading, Snapshot
from exporter.sources.host import printable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client.core import Metric

    from exporter.findings import Finding
    from exporter.machine import Machine

log = logging.getLogger("exporter")

LONGEST_ERROR = 300
"""Characters: some errors bring the whole line with them that could not be read."""


class Outcome(NamedTuple):
    """What a collector gave, or in one line why it gave nothing; ``seconds`` is how long that took."""

    section: Any | None
    families: tuple[Metric, ...]
    findings: tuple[Finding, ...]
    error: str | None
    seconds: float


def failed(error: str, seconds: float) -> Outcome:
    """Return the outcome of a collector that gave nothing, and why."""
    return Outcome(None, (), (), error, seconds)


@dataclass(slots=True)
class Call:
    """A collector that is being read: by which thread, and since when (``time.monotonic``; inf: not yet)."""

    thread: threading.Thread
    begun: float = inf

    def seconds(self) -> float:
        """Return for how long."""
        return max(0.0, time.monotonic() - self.begun)


@dataclass(slots=True, eq=False)
class Pass:
    """A sample that is being taken. ``left`` are the collectors that nobody has begun to read.

    Rates are computed against ``baseline``; reading begins at ``begin`` by the sampler's clock, when that one is old
    enough: that is ``due`` by ``time.monotonic``. A pass that is not ``shown`` is only there to be the next one's
    baseline.
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
        """Wait until the baseline is old enough, and note the time; whoever reads first does it."""
        if self.begun == inf:
            if (pause := self.begin - clock()) > 0:
                sleep(pause)
            self.time, self.monotonic, self.begun = time.time(), clock(), time.monotonic()

    def age(self) -> float:
        """Return for how many seconds collectors are read, or should be, where no thread can be had; below 0 before."""
        return time.monotonic() - min(self.begun, self.due)

    def is_complete(self) -> bool:
        """Return whether every collector has answered."""
        return len(self.outcomes) == len(self.collectors)

    def snapshot(self, errors: Mapping[str, int]) -> Snapshot:
        """Return what every collector gave; ``errors`` is how many samples each has failed in."""
        readings = (Reading(each.name, *self.outcomes[each.name], errors[each.name]) for each in self.collectors)
        return Snapshot(self.time, self.monotonic, tuple(readings))

    def so_far(self, running: Mapping[str, Call], errors: Mapping[str, int], limit: float) -> Snapshot:
        """Return what there is after ``limit`` seconds, and of the others that they have not answered."""
        known = self.outcomes
        missing = {each.name: late(running.get(each.name), limit) for each in self.collectors if each.name not in known}
        readings = (
            Reading(each.name, *(known.get(each.name) or missing[each.name]), errors[each.name])
            for each in self.collectors
        )
        began = self.begun < inf
        return Snapshot(self.time if began else time.time(), self.monotonic, tuple(readings))


class Tally:
    """Counts the samples that each collector has failed in, and logs when failures begin and end, not each of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.errors = dict.fromkeys(names, 0)
        self._failing: set[str] = set()

    def add(self, name: str, error: str | None, *, counted: bool) -> None:
        """Note how a collector fared in a sample; one that is shown to nobody is not counted."""
        self.errors[name] += counted and error is not None
        if error is not None and name not in self._failing:
            log.warning("collector %s failed: %s", name, error)
            self._failing.add(name)
        elif error is None and name in self._failing:
            log.warning("collector %s works again", name)
            self._failing.discard(name)


def late(call: Call | None, limit: float) -> Outcome:
    """Return the outcome of a collector that took too long, or (None) had no turn."""
    return failed(f"no answer within {limit:.3g} s", call.seconds() if call else 0.0)


def stuck(call: Call) -> Outcome:
    """Return the outcome of a collector that is not asked, since its last call has not returned."""
    # 0 s: this sample did not wait for it.
    return failed(f"still no answer after {call.seconds():.0f} s", 0.0)


def read(collector: Collector, machine: Machine, baseline: Snapshot | None) -> Outcome:
    """Return what a collector gives, its metrics and findings made; whatever it raises is its error."""
    begin = time.perf_counter()
    try:
        section = collector.read(machine, baseline)
        families = () if section is None else tuple(collector.metrics(section))
        findings = () if section is None else tuple(collector.findings(section, machine.thresholds))
    except Exception as reason:
        log.debug("collector %s", collector.name, exc_info=True)
        return failed(describe(reason), time.perf_counter() - begin)
    return Outcome(section, families, findings, None, time.perf_counter() - begin)


def describe(reason: Exception) -> str:
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
