"""Takes snapshots: on demand, one at a time, shared, each collector timed and isolated, nobody kept waiting."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from exporter.collectors import COLLECTORS
from exporter.sampling.baselines import MIN_WINDOW, Baselines
from exporter.sampling.passes import Call, Outcome, Pass, Tally, failed, late, read, stuck

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.machine import Machine
    from exporter.model import Collector, Snapshot

LIMIT = 9.0
"""Seconds that a sample may take; who has not answered then has failed. Prometheus waits 10 s unless told otherwise."""

STEP_ASIDE = 0.2
"""Seconds after which a slow collector no longer holds up the next one: that is read by another thread, beside it."""

LOOK = 0.05
"""Seconds after which who waits looks whether a collector has to step aside."""

ABANDONED = 3.0
"""Seconds after which a sample that nobody waits for any more is dropped when somebody comes, who gets a new one."""


class Sampler:
    """Owns the samples. ``on_sample`` is called with each new one, inside the lock, so in their order.

    One standing thread reads the collectors, so that who asks can leave when his time is over. A collector that does
    not answer keeps that thread, since nothing can end a call that is stuck in the kernel; another takes over. It is
    not read again before its call has returned, and then its thread ends: there is never more than one thread for each
    stuck collector, and one to work.
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
        # A filesystem may take longer where the owner says so; its collector then does, too.
        self._limit = max(LIMIT, machine.settings.filesystem_timeout + 1)
        self._lock = threading.Lock()
        self._begun = threading.Condition(self._lock)
        self._ended = threading.Condition(self._lock)
        self._worker: threading.Thread | None = None
        self._running: dict[str, Call] = {}
        self._pass: Pass | None = None
        self._waiting = 0
        self._latest: Snapshot | None = None
        self._count = 0
        self._baselines = Baselines()
        self._tally = Tally(collector.name for collector in self._collectors)

    def prime(self) -> None:
        """Take the sample that the first rates are computed against; it is shown to nobody and holds up nobody."""
        with self._lock:
            self._await(self._pass or self._begin(None, shown=False), time.monotonic() + ABANDONED)

    def sample(self, max_age: float | None = None, limit: float = inf) -> Snapshot:
        """Return a snapshot no older than ``max_age`` seconds (default: the setting), taking one if needed.

        Whoever arrives while one is being taken gets that one, however long it took. Who can wait for ``limit``
        seconds only gets then what has been read so far; it is taken to its end for the others.
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
                    return current.so_far(self._running, self._tally.errors, limit)

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
            else:
                current.left.append(collector)
        if not current.left:
            self._end(current)
        self._begun.notify()
        return current

    def _await(self, current: Pass, deadline: float) -> bool:
        """Wait for the end of a pass, seeing to it that there is one; False where the deadline came first."""
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
        """Let another thread go on where the one that works is held up."""
        worker = self._worker
        held_up = worker is None or not worker.is_alive()
        held_up = held_up or any(
            call.thread is worker and call.seconds() >= STEP_ASIDE for call in self._running.values()
        )
        if held_up and current.left:
            # A daemon: a stuck one must not keep the program from ending.
            worker = threading.Thread(target=self._work, name="sampler", daemon=True)
            with suppress(RuntimeError):  # no thread to be had: whoever waits tries again
                worker.start()
                self._worker = worker

    def _work(self) -> None:
        while job := self._next_job():
            current, collector, call = job
            current.start(self._clock, self._sleep)
            call.begun = time.monotonic()
            try:
                outcome = read(collector, self._machine, current.baseline)
            except BaseException as reason:  # noqa: BLE001 - out of memory while it says so: this thread has to live on
                outcome = failed(type(reason).__name__, 0.0)
            self._note(current, collector.name, outcome)

    def _next_job(self) -> tuple[Pass, Collector, Call] | None:
        """Wait for a collector to read; None where another thread has taken over."""
        me = threading.current_thread()
        with self._lock:
            while self._worker is me:
                if self._pass is not None and self._pass.left:
                    collector = self._pass.left.popleft()
                    call = self._running[collector.name] = Call(me)
                    return self._pass, collector, call
                self._begun.wait()
        return None

    def _note(self, current: Pass, name: str, outcome: Outcome) -> None:
        """Keep what a collector gave, unless its pass is over."""
        with self._lock:
            del self._running[name]
            if self._pass is current:
                current.outcomes[name] = outcome
                if current.is_complete():
                    self._end(current)

    def _end(self, current: Pass) -> None:
        """End a pass; who has not answered has failed. In one that is shown to nobody no errors are counted."""
        current.start(self._clock, lambda _: None)  # where nothing could be read, nobody has noted the time
        for collector in self._collectors:
            name = collector.name
            outcome = current.outcomes.setdefault(name, late(self._running.get(name), self._limit))
            self._tally.add(name, outcome.error, counted=current.shown)
        self._drop(current)
        snapshot = current.snapshot(self._tally.errors)
        if current.shown:
            self._keep(snapshot)
        else:
            self._baselines.start(snapshot)

    def _drop(self, current: Pass) -> None:
        """Read no more of a pass. One that everybody has left is nobody's failure: collectors may have had no turn."""
        current.left.clear()
        self._pass = None
        self._ended.notify_all()

    def _keep(self, snapshot: Snapshot) -> None:
        self._baselines.add(snapshot)
        self._latest = snapshot
        self._count += 1
        if self._on_sample is not None:
            self._on_sample(snapshot)
