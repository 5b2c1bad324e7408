"""A caller can leave when its time is up; the sample is finished for the others and counted once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from exporter.findings import none_yet
from exporter.machine import open_machine
from exporter.model import Collector
from exporter.sampling import passes
from exporter.sampling import sampler as module
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.web.limits import time_limit
from tests.support import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

from exporter.model import Snapshot

SHORT = 0.5
"""Seconds: enough for a collector to finish on a busy machine."""


@dataclass
class Door:
    """A collector that blocks while it is shut."""

    name: str
    open: threading.Event = field(default_factory=threading.Event)
    entered: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    def read(self, *_: object) -> str:
        self.entered += 1
        assert self.open.wait(30), "never opened"
        return self.name

    def collector(self) -> Collector:
        return Collector(self.name, str, self.read, lambda _: (), none_yet)


class Doors:
    """A primed sampler of three such collectors that takes a new sample for every caller."""

    def __init__(self) -> None:
        self._others = set(threading.enumerate())  # threads of other tests' samplers may end at any time
        self.doors = {name: Door(name) for name in "abc"}
        self.told: list[Snapshot] = []
        machine = open_machine(Settings(max_age=0))
        self.sampler = Sampler(machine, [door.collector() for door in self.doors.values()], on_sample=self.told.append)
        self.sampler.prime()

    def shut(self, *names: str) -> None:
        for name in names:
            self.doors[name].open.clear()

    def open_all(self) -> None:
        for door in self.doors.values():
            door.open.set()

    def threads(self) -> int:
        return sum(thread.name == "sampler" for thread in set(threading.enumerate()) - self._others)


@pytest.fixture
def doors() -> Iterator[Doors]:
    doors = Doors()
    yield doors
    doors.open_all()


def failures(snapshot: Snapshot) -> dict[str, tuple[str | None, int]]:
    return {reading.collector: (reading.error, reading.errors) for reading in snapshot.failures()}


@pytest.mark.parametrize("stuck", ["a", "b", "c"])
def test_an_impatient_caller_gets_all_the_others_and_no_error_is_counted_yet(doors: Doors, stuck: str) -> None:
    doors.sampler.sample()
    doors.shut(stuck)
    part = doors.sampler.sample(limit=SHORT)
    assert [reading.collector for reading in part.readings] == ["a", "b", "c"]
    assert [reading.section for reading in part.readings] == [name if name != stuck else None for name in "abc"]
    assert failures(part) == {stuck: ("no answer within 0.5 s", 0)}
    assert len(doors.told) == 1, "it is not over"


def test_a_patient_caller_gets_the_same_sample_in_full(doors: Doors) -> None:
    doors.sampler.sample()
    doors.shut("b")
    whole: list[Snapshot] = []
    patient = threading.Thread(target=lambda: whole.append(doors.sampler.sample()))
    patient.start()
    wait_for(lambda: doors.doors["c"].entered == 3)
    assert failures(doors.sampler.sample(limit=0.01)).keys() == {"b"}
    doors.open_all()
    patient.join(20)
    assert failures(whole[0]) == {}
    assert doors.told[-1] is whole[0]
    assert [door.entered for door in doors.doors.values()] == [3, 3, 3], "primed, and two samples"


def test_a_collector_that_never_answers_is_one_error_per_sample_and_holds_one_thread(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    doors.sampler.sample()
    threads = doors.threads()
    monkeypatch.setattr(doors.sampler, "_limit", SHORT)
    doors.shut("a")
    assert failures(doors.sampler.sample()) == {"a": ("no answer within 0.5 s", 1)}
    for number in range(2, 6):
        [(error, errors)] = failures(doors.sampler.sample()).values()
        assert (error or "").startswith("still no answer after ")
        assert errors == number
    assert doors.doors["a"].entered == 3, "not asked again"
    assert doors.threads() == threads + 1
    doors.open_all()
    wait_for(lambda: doors.threads() == threads)
    assert doors.sampler.sample().readings[0].errors == 5
    assert caplog.messages == ["collector a failed: no answer within 0.5 s", "collector a works again"]


def test_listeners_get_samples_once_and_in_order_even_if_callers_left_early(doors: Doors) -> None:
    doors.shut("c")
    for _ in range(3):
        doors.sampler.sample(limit=0.02)
    doors.open_all()
    wait_for(lambda: doors.told)
    taken = [doors.sampler.sample() for _ in range(3)]
    assert doors.told[-3:] == taken
    times = [snapshot.monotonic for snapshot in doors.told]
    assert times == sorted(set(times))


def test_a_sample_that_every_caller_has_left_is_not_given_to_one_who_comes_much_later(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ABANDONED", SHORT)
    doors.shut("a")
    old = doors.sampler.sample(limit=0.02)
    time.sleep(SHORT + 0.6)  # the first sample begins half a second after its baseline
    begin = time.monotonic()
    new = doors.sampler.sample()
    assert new.monotonic >= begin
    assert new.monotonic > old.monotonic
    [(error, errors)] = failures(new).values()
    assert (error or "").startswith("still no answer after ")
    assert errors == 1, "the abandoned sample counts for no collector, nor for those that were not started"
    assert [reading.errors for reading in new.readings] == [1, 0, 0]


def test_an_error_that_cannot_even_be_described_costs_its_section_and_no_thread(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(_: Exception) -> str:
        raise MemoryError

    def fail(*_: object) -> str:
        raise ValueError

    monkeypatch.setattr(passes, "describe", no_memory)
    threads = doors.threads()
    collectors = [
        replace(door.collector(), read=fail if name == "b" else door.read) for name, door in doors.doors.items()
    ]
    sampler = Sampler(open_machine(Settings(max_age=0)), collectors)
    for number in range(1, 4):
        assert failures(sampler.sample()) == {"b": ("MemoryError", number)}
    assert doors.threads() == threads + 1


def test_the_time_limit_holds_even_if_no_thread_can_be_started(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    doors.sampler.sample()
    doors.shut("a")
    monkeypatch.setattr(doors.sampler, "_limit", SHORT)

    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    for _ in range(3):
        before = time.time()
        snapshot = doors.sampler.sample()
        assert failures(snapshot).keys() == {"a", "b", "c"}
        assert before - 1 < snapshot.time < time.time() + 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("10", 9.5), ("15.0", 14.5), ("1", 0.5), ("0.8", 0.4), ("0.001", 0.0005)],
)
def test_an_answer_leaves_half_a_second_for_the_network_or_half_of_a_shorter_timeout(
    header: str, seconds: float
) -> None:
    assert time_limit(header) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "header", [None, "", "soon", "nan", "-1", "0", "-inf", "inf", "1e999", "10s", "1,5", "1e-9", "0.0009"]
)
def test_a_nonsensical_header_is_ignored(header: str | None) -> None:
    assert time_limit(header) == float("inf")
