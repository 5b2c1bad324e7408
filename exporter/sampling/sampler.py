"""Takes snapshots on demand: one at a time, shared by all callers, within a time limit, each collector isolated."""

from __future__ import annotations

import threading
import time
from math import inf
from typing import TYPE_CHECKING

from exporter.collectors import COLLECTORS
from exporter.sampling.baselines import MIN_WINDOW, Baselines
from exporter.sampling.kept import Kept
from exporter.sampling.passes import Call, Outcome, Pass, Tally, failed, late, read, stuck
from exporter.threads import Spare, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.machine import Machine
    from exporter.model import Collector, Snapshot

LIMIT = 9.0
"""Seconds that a sample may take; a collector still running then has failed. Prometheus' default timeout is 10 s."""

STEP_ASIDE = 0.2
"""Seconds after which a slow collector no longer delays the next one: another thread takes over the rest."""

LOOK = 0.05
"""Seconds between a waiting caller's checks for a slow collector."""

ABANDONED = 3.0
"""Seconds after which a sample that all callers have given up on is dropped; the next caller starts a new one."""


class Sampler:
    """Owns the samples. Calls ``on_sample`` with each new one while holding the lock, so they arrive in order.

    One long-lived worker thread reads the collectors, so that a caller can give up at its deadline. A collector that
    hangs blocks its worker, because a call stuck in the kernel cannot be cancelled; a new worker takes over. The
    hanging collector is not read again until its call returns, and its old worker then exits: there is at most one
    thread per stuck collector, plus one worker.
    """

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
        # A longer --filesystem-timeout needs a longer limit: its collector takes at least that long.
        self._limit = max(LIMIT, machine.settings.filesystem_timeout + 1)
        self._lock = threading.Lock()
        self._begun = threading.Condition(self._lock)
        self._ended = threading.Condition(self._lock)
        self._worker: threading.Thread | None = None
        self._more = Spare("sampler", "collectors that have not been read yet wait for one")
        self._running: dict[str, Call] = {}
        self._pass: Pass | None = None
        self._waiting = 0
        self._latest: Snapshot | None = None
        self._count = 0
        self._baselines = Baselines()
        self._kept = Kept()
        self._tally = Tally(collector.name for collector in self._collectors)

    def prime(self) -> None:
        """Take the baseline sample for the first rates. It is never shown, and a slow one delays nobody for long.

        Raises ThreadError: a sampler that begins without a thread would keep every client waiting in vain.
        """
        with self._lock:
            self._worker = self._worker or start(self._work, "sampler")
            self._await(self._pass or self._begin(None, shown=False), time.monotonic() + ABANDONED)

    def sample(self, max_age: float | None = None, limit: float = inf) -> Snapshot:
        """Return a snapshot no older than ``max_age`` seconds (default: the setting), taking one if needed.

        Callers that arrive while a sample is being taken share it, however long it takes. After ``limit`` seconds a
        caller gets what has been read so far; the sample itself continues for the others.
        """
        if max_age is None:
            max_age = self._machine.settings.max_age
        deadline = time.monotonic() + limit
        with self._lock:
            if self._pass is not None and not self._waiting and self._pass.age() >= ABANDONED:
                self._drop(self._pass)
            seen = self._count
            while True:
                latest = self._latest
                if latest is not None and (self._count != seen or self._clock() - latest.monotonic < max_age):
                    return latest
                current = self._pass or self._begin_next()
                if not self._await(current, deadline):
                    return current.so_far(self._running, self._tally, limit)

    def lately(self, seconds: float) -> Snapshot | None:
        """Return the latest complete sample if it is not older than that."""
        latest = self._latest
        return latest if latest is not None and self._clock() - latest.monotonic <= seconds else None

    def _begin_next(self) -> Pass:
        baseline, shown = self._baselines.choose(self._clock())
        return self._begin(baseline, shown=shown)

    def _begin(self, baseline: Snapshot | None, *, shown: bool) -> Pass:
        now = self._clock()
        begin = max(now, baseline.monotonic + MIN_WINDOW) if baseline else now
        current = self._pass = Pass(self._collectors, baseline, shown, begin, time.monotonic() + begin - now)
        for collector in self._collectors:
            if call := self._running.get(collector.name):
                current.outcomes[collector.name] = stuck(call)
            elif outcome := self._kept.fresh(collector, begin):
                current.outcomes[collector.name] = outcome
            else:
                current.left.append(collector)
        if not current.left:
            self._end(current)
        self._begun.notify()
        return current

    def _await(self, current: Pass, deadline: float) -> bool:
        """Wait until a pass has ended, and make sure that it does; return False if the deadline came first."""
        self._waiting += 1
        try:
            while self._pass is current:
                now = time.monotonic()
                if current.age() >= self._limit:
                    self._end(current)
                    break
                if now >= deadline:
                    return False
                self._relieve(current)
                self._ended.wait(min(deadline - now, LOOK))
        finally:
            self._waiting -= 1
        return True

    def _relieve(self, current: Pass) -> None:
        """Start a new worker if the current one is blocked by a slow collector."""
        worker = self._worker
        held_up = worker is None or not worker.is_alive()
        held_up = held_up or any(
            call.thread is worker and call.seconds() >= STEP_ASIDE for call in self._running.values()
        )
        if held_up and current.left:
            # If there is none, the waiting callers will retry.
            self._worker = self._more.start(self._work) or worker

    def _work(self) -> None:
        while job := self._next_job():
            current, collector, call = job
            current.start(self._clock, self._sleep)
            call.begun = time.monotonic()
            try:
                outcome = read(collector, self._machine, current.baseline)
            except BaseException as reason:  # noqa: BLE001 - not even a MemoryError may end the worker
                outcome = failed(type(reason).__name__, 0.0)
            self._note(current, collector, outcome)

    def _next_job(self) -> tuple[Pass, Collector, Call] | None:
        """Wait for a collector to read; return None if another thread has taken over."""
        me = threading.current_thread()
        with self._lock:
            while self._worker is me:
                if self._pass is not None and self._pass.left:
                    collector = self._pass.left.popleft()
                    call = self._running[collector.name] = Call(me)
                    return self._pass, collector, call
                self._begun.wait()
        return None

    def _note(self, current: Pass, collector: Collector, outcome: Outcome) -> None:
        """Store a collector's outcome, for its pass unless that is over."""
        with self._lock:
            del self._running[collector.name]
            outcome = self._kept.keep(collector, outcome, current.monotonic)
            if self._pass is current:
                current.outcomes[collector.name] = outcome
                if current.is_complete():
                    self._end(current)

    def _end(self, current: Pass) -> None:
        """End a pass; collectors still running have failed. Errors in a pass that is never shown are not counted."""
        current.start(self._clock, lambda _: None)  # sets the start time if no collector could be read at all
        for collector in self._collectors:
            name = collector.name
            outcome = current.outcomes.setdefault(name, late(self._running.get(name), self._limit))
            self._tally.add(name, outcome, counted=current.shown)
        self._drop(current)
        snapshot = current.snapshot(self._tally)
        if current.shown:
            self._keep(snapshot)
        else:
            self._baselines.start(snapshot)

    def _drop(self, current: Pass) -> None:
        """Abandon the rest of a pass. Collectors that have not had their turn have not failed."""
        current.left.clear()
        self._pass = None
        self._ended.notify_all()

    def _keep(self, snapshot: Snapshot) -> None:
        self._baselines.add(snapshot)
        self._latest = snapshot
        self._count += 1
        if self._on_sample is not None:
            self._on_sample(snapshot)
