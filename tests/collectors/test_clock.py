"""The clock: what the kernel says of it, asked for real and from fixtures."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from exporter.collectors import clock
from exporter.collectors.clock import Clock
from exporter.machine import open_machine
from exporter.settings import Settings
from exporter.sources.host import LINUX
from exporter.sources.timex import KernelClock, Timex, timex

if TYPE_CHECKING:
    from tests.machines import FixtureMachine

PLL, UNSYNC, NANO = 0x1, 0x40, 0x2000


def test_a_clock_that_a_time_service_keeps(laptop: FixtureMachine) -> None:
    assert laptop.read(Clock) == Clock(1_750_001_010.0, True, -0.00125, 0.0315)
    samples = laptop.exposition()
    assert samples.value("host_clock_synchronized") == 1
    assert samples.value("host_clock_offset_seconds") == -0.00125, "an offset may be negative"
    assert not [each for each in laptop.sample().findings() if each.kind == "HostClockWrong"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((0, PLL | NANO, 250_000_000, 31_500), Timex(True, 0.25, 0.0315)),
        ((0, PLL, -250_000, 31_500), Timex(True, -0.25, 0.0315)),  # microseconds
        # Nobody corrects it, so an offset of 0 is no measurement. At boot the error is as large as it can be.
        ((5, UNSYNC, 0, 16_000_000), Timex(False, None, None)),
        # chrony without rtcsync: it knows the error but does not say that it keeps the clock.
        ((5, UNSYNC, 0, 2_000), Timex(False, None, 0.002)),
        # A leap second is to come, comes, has come: all is well.
        ((1, PLL | 0x10, 0, 1_000), Timex(True, 0.0, 0.001)),
        ((3, PLL | 0x10, 0, 1_000), Timex(True, 0.0, 0.001)),
        # The receiver that should keep it right gives no pulse (STA_PPSTIME without STA_PPSSIGNAL).
        ((5, PLL | 0x4, 0, 1_000), Timex(False, None, 0.001)),
    ],
)
def test_the_answer_of_the_kernel(answer: tuple[int, int, int, int], expected: Timex) -> None:
    found = timex(*answer)
    assert found.synchronized == expected.synchronized
    assert found.offset_seconds == pytest.approx(expected.offset_seconds)
    assert found.max_error_seconds == pytest.approx(expected.max_error_seconds)


def test_a_synchronized_clock_that_is_far_off_is_a_finding_at_its_limit(laptop: FixtureMachine) -> None:
    for offset, found in ((0.0999, []), (0.1, ["0.10"]), (-0.25, ["0.25"])):
        state = {"state": 0, "status": PLL | NANO, "offset": round(offset * 1e9), "max_error": 1}
        laptop.write("timex.json", json.dumps(state))
        reasons = [each.reason for each in laptop.sample().findings() if each.kind == "HostClockWrong"]
        assert reasons == [f"is {text} s off although it is synchronized (limit 0.1 s)" for text in found]


def test_a_clock_without_a_time_service_is_no_finding_and_has_no_offset(laptop: FixtureMachine) -> None:
    laptop.write("timex.json", json.dumps({"state": 5, "status": UNSYNC, "offset": 0, "max_error": 16_000_000}))
    snapshot = laptop.sample()
    assert not [each for each in snapshot.findings() if each.kind == "HostClockWrong"]
    names = {each.name for each in laptop.exposition(snapshot).samples if each.name.startswith("host_clock")}
    assert names == {"host_clock_time_seconds", "host_clock_synchronized"}


def test_where_the_kernel_may_not_be_asked_only_the_time_is_known(server: FixtureMachine) -> None:
    section = server.read(Clock)
    assert section == Clock(section.time_seconds, None, None, None)
    assert [each.name for each in clock.metrics(section)] == ["host_clock_time_seconds"]


@pytest.mark.skipif(not LINUX, reason="adjtimex is a call of Linux")
def test_the_kernel_answers_and_changes_nothing() -> None:
    section = clock.read(open_machine(Settings()), None)
    assert section is not None
    assert section.time_seconds == pytest.approx(time.time(), abs=5)
    assert section.synchronized is not None, "this machine refuses adjtimex(2)"
    assert (section.offset_seconds is None) is not section.synchronized
    kernel = KernelClock()
    assert kernel.read() is not None
    assert kernel.read() is not None, "asked again"
