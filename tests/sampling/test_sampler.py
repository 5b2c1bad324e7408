"""Samples are taken on demand, one at a time, and shared; rates are computed over a sensible window."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors import COLLECTORS
from exporter.collectors.cpu import Cpu
from exporter.collectors.processes import Processes
from exporter.families import gauge
from exporter.findings import none_yet
from exporter.machine import Machine, open_machine
from exporter.model import Collector, Snapshot
from exporter.sampling.baselines import MAX_WINDOW, MIN_WINDOW
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources.attempt import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

WAIT = 30.0
"""Seconds after which a thread in these tests counts as stuck."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The section of the collector below: the ordinal number of the reading."""

    number: int


@dataclass
class Ticker:
    """A collector that counts its readings, records its windows, and can be paused midway."""

    clock: FakeClock | None = None
    readings: int = 0
    windows: list[float] = field(default_factory=list)
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)

    def read(self, _machine: Machine, baseline: Snapshot | None) -> Tick:
        self.readings += 1
        if baseline is not None and self.clock is not None:
            self.windows.append(self.clock.now - baseline.monotonic)
        if self.gate is not None:
            self.entered.set()
            assert self.gate.wait(WAIT)
        return Tick(self.readings)

    def collector(self) -> Collector:
        return Collector("tick", Tick, self.read, _metrics, none_yet)


def _metrics(section: Tick) -> Iterable[Metric]:
    return gauge("tick", "Readings.", section.number)


@dataclass
class FakeClock:
    """A clock that advances only when told to, or by sleeping."""

    now: float = 1000.0
    slept: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _machine(**settings: Any) -> Machine:
    return open_machine(Settings(**settings))


def _ticking(clock: FakeClock, **settings: Any) -> tuple[Sampler, Ticker]:
    ticker = Ticker(clock)
    sampler = Sampler(_machine(**settings), [ticker.collector()], clock=clock, sleep=clock.sleep)
    sampler.prime()
    clock.now += 1
    return sampler, ticker


@pytest.mark.parametrize("max_age", [0.0, 1.0])
def test_callers_that_arrive_while_a_sample_is_being_taken_share_it(max_age: float) -> None:
    ticker = Ticker()
    clock = FakeClock()
    sampler = Sampler(_machine(), [ticker.collector()], clock=clock, sleep=clock.sleep)
    sampler.prime()
    clock.now += 1
    ticker.gate = threading.Event()
    got: list[Snapshot] = []
    callers = [threading.Thread(target=lambda: got.append(sampler.sample(max_age))) for _ in range(9)]
    try:
        callers[0].start()
        assert ticker.entered.wait(WAIT)
        for caller in callers[1:]:
            caller.start()
        _await(lambda: sampler._waiting == len(callers))
        clock.now += 100  # a sample that took long is no reason to take another
    finally:
        ticker.gate.set()
        for caller in callers:
            caller.join(WAIT)
    assert len(got) == len(callers)
    assert len({id(snapshot) for snapshot in got}) == 1
    assert ticker.readings == 2, "one baseline, one for all callers"


def test_a_sample_younger_than_max_age_is_reused_and_an_older_one_is_not() -> None:
    clock = FakeClock()
    sampler, ticker = _ticking(clock, max_age=1.0)
    first = sampler.sample()
    clock.now += 0.99
    assert sampler.sample() is first
    assert ticker.readings == 2
    clock.now += 0.01
    second = sampler.sample()
    assert second is not first
    assert sampler.sample(max_age=0.5) is second
    clock.now += 0.6
    assert sampler.sample(max_age=0.5) is not second


def test_without_reuse_fast_calls_still_see_rates_over_half_a_second() -> None:
    clock = FakeClock()
    sampler, ticker = _ticking(clock, max_age=0)
    for step in (0.03, 0.2, 0.001, 0.4, 0.03, 0.03, 0.7, 0.03, 0.1) * 5:
        clock.now += step
        sampler.sample()
    assert len(ticker.windows) == 45, "each call took a sample of its own"
    assert min(ticker.windows) >= MIN_WINDOW
    assert max(ticker.windows) < 2 * MIN_WINDOW + 0.7, "the window is about the last sample, not the whole past"
    assert clock.slept == 0, "nobody had to wait"


def test_the_first_sample_after_start_waits_for_its_window_and_has_rates() -> None:
    clock = FakeClock()
    ticker = Ticker(clock)
    sampler = Sampler(_machine(), [ticker.collector()], clock=clock, sleep=clock.sleep)
    sampler.prime()
    clock.now += 0.1
    sampler.sample()
    assert ticker.windows == [pytest.approx(MIN_WINDOW)]


def test_the_first_sample_of_an_unprimed_sampler_has_rates_too() -> None:
    clock = FakeClock()
    ticker = Ticker(clock)
    Sampler(_machine(), [ticker.collector()], clock=clock, sleep=clock.sleep).sample()
    assert ticker.windows == [pytest.approx(MIN_WINDOW)]


def test_a_baseline_from_last_night_is_replaced_so_that_rates_show_the_present() -> None:
    clock = FakeClock()
    sampler, ticker = _ticking(clock)
    sampler.sample()
    clock.now += MAX_WINDOW - 1
    sampler.sample()
    assert ticker.windows[-1] == pytest.approx(MAX_WINDOW - 1), "a slow scraper sees the whole of its interval"
    clock.now += MAX_WINDOW + 1
    sampler.sample()
    assert ticker.windows[-1] == pytest.approx(MIN_WINDOW)


def test_samples_at_an_interval_are_compared_with_the_previous_one() -> None:
    clock = FakeClock()
    sampler, ticker = _ticking(clock)
    for _ in range(4):
        clock.now += 15
        sampler.sample()
    assert ticker.windows[1:] == [pytest.approx(15.0)] * 3


def test_listeners_get_each_new_sample_once_and_in_order_but_not_the_first_baseline() -> None:
    clock = FakeClock()
    told: list[Snapshot] = []
    sampler = Sampler(_machine(), [Ticker().collector()], on_sample=told.append, clock=clock, sleep=clock.sleep)
    sampler.prime()
    assert told == []
    taken = []
    for _ in range(3):
        clock.now += 2
        taken.append(sampler.sample())
        sampler.sample()
    assert told == taken


def test_the_first_real_sample_has_real_rates() -> None:
    sampler = Sampler(open_machine(Settings()))
    sampler.prime()
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    snapshot = sampler.sample()
    cpu, processes = snapshot.section(Cpu), snapshot.section(Processes)
    assert cpu is not None
    assert cpu.usage_ratio is not None
    assert 0 <= cpu.usage_ratio <= 1
    assert len(cpu.core_usage_ratios) == cpu.logical_cpus
    assert processes is not None
    # This process itself used a tenth of a second in the window.
    assert any((program.cpu_cores or 0) > 0 for program in processes.programs)


def test_collectors_have_names_and_sections_of_their_own() -> None:
    names = [collector.name for collector in COLLECTORS]
    assert len(set(names)) == len(names)
    assert len({collector.section for collector in COLLECTORS}) == len(names)


def test_a_long_error_is_cut_and_printable() -> None:
    text = describe(ValueError("cannot read \udcff\x1b[31m " + "x" * 10_000))
    assert text.startswith("cannot read ??[31m x")
    assert len(text) == 300
