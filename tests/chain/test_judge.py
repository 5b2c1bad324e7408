"""When Prometheus counts as down, as storing nothing, as back."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import pytest

from exporter.chain.judge import Judge
from exporter.chain.pace import PACE, Pace
from exporter.chain.prometheus import State

if TYPE_CHECKING:
    from collections.abc import Callable

SILENT, STARTING, CLOSED, RESTARTING, NOT_STORING, NOT_EVALUATING, STORING = State


class Course:
    """Looks every 15 s at a Prometheus whose states follow each other."""

    def __init__(self, pace: Pace = PACE) -> None:
        self.judge = Judge(pace)
        self.now = 1000.0
        self.see(STORING)

    def see(self, state: State, *, sends: float = -inf, told: bool = False) -> None:
        self.now += PACE.doubt
        self.judge.see(state, self.now, sends=sends, told=told)

    def until(self, state: State, holds: Callable[[Judge], bool], *, told: bool = False, most: float = 2000) -> float:
        """Return after how many seconds in this state something holds, inf if it does not."""
        begin = self.now
        while self.now < begin + most:
            self.see(state, told=told)
            if holds(self.judge):
                return self.now - begin
        return inf


def down(judge: Judge) -> bool:
    return judge.down


def test_a_death_is_told_well_within_two_minutes() -> None:
    # It may happen right after a look, which comes every 30 s while all is well.
    assert 75 <= Course().until(SILENT, down) + PACE.well - PACE.doubt <= 120


@pytest.mark.parametrize(
    "states",
    [
        [SILENT],
        [SILENT, SILENT, STORING],
        [SILENT, SILENT, STARTING, STARTING, STORING],
        [STARTING] * 19 + [STORING],
        [SILENT, STORING] * 30,
        [CLOSED] * 60,
        [SILENT, CLOSED] * 30,
    ],
    ids=[
        "one request",
        "a restart",
        "a restart that reads its log",
        "a long start",
        "every other request",
        "a password",
        "and slow",
    ],
)
def test_that_is_no_death(states: list[State]) -> None:
    course = Course()
    for state in states:
        course.see(state)
        assert not course.judge.down


def test_a_start_that_never_ends_is_a_death() -> None:
    assert Course().until(STARTING, down) == pytest.approx(PACE.starting, abs=2 * PACE.doubt)


def test_so_is_a_crash_loop_that_never_gets_as_far_as_storing() -> None:
    course = Course()
    for _ in range(12):
        for state in (SILENT, STARTING, STARTING):
            course.see(state)
    assert course.judge.down


def test_two_looks_far_apart_are_not_enough() -> None:
    """The exporter itself may have been stopped in between."""
    course = Course()
    course.see(SILENT)
    course.now += 3600
    course.see(SILENT)
    assert not course.judge.down


def test_one_that_still_sends_its_alerts_is_alive() -> None:
    course = Course()
    for _ in range(40):
        course.see(SILENT, sends=course.now)
        assert not course.judge.down
    last = course.now
    while not course.judge.down:
        course.see(SILENT, sends=last)
        assert course.now - last < 120


def test_storing_nothing_is_suspected_at_the_second_look() -> None:
    course = Course()
    course.see(NOT_STORING)
    assert not course.judge.blind
    course.see(NOT_STORING)
    assert course.judge.blind
    assert not course.judge.down


def test_storing_nothing_is_told_only_if_the_rule_does_not() -> None:
    course = Course()
    assert course.until(NOT_STORING, down, told=True) == inf
    assert Course().until(NOT_STORING, down) == pytest.approx(PACE.unsaid, abs=2 * PACE.doubt)
    course = Course()
    course.until(NOT_STORING, down)
    assert course.judge.reason is NOT_STORING


def test_it_is_back_after_half_a_minute_and_settled_after_two() -> None:
    course = Course()
    course.until(SILENT, down)
    assert course.until(STORING, lambda judge: not judge.down) == pytest.approx(PACE.back, abs=2 * PACE.doubt)
    assert not course.judge.settled(course.now)
    assert course.until(STORING, lambda judge: judge.settled(course.now)) <= PACE.settle


def test_one_look_in_between_does_not_bring_it_back() -> None:
    course = Course()
    course.until(SILENT, down)
    for state in (STORING, SILENT, STORING, NOT_STORING, STORING, STARTING):
        course.see(state)
        assert course.judge.down


def test_a_server_that_crashes_on_and_on_stays_down_in_between() -> None:
    course = Course()
    course.until(SILENT, down)
    course.until(STORING, lambda judge: not judge.down)
    course.until(SILENT, down)
    assert course.until(STORING, lambda judge: not judge.down, most=250) == inf
    course.see(SILENT)
    assert course.until(STORING, lambda judge: not judge.down) == pytest.approx(PACE.back_again, abs=2 * PACE.doubt)


def test_held_alerts_run_out_while_they_are_still_inhibited() -> None:
    """If the exporter stops too. A minute and a quarter is Alertmanager's group_interval."""
    assert PACE.lasts - PACE.held >= 75 + PACE.doubt
    assert PACE.held > 2 * PACE.doubt


def test_a_server_that_keeps_restarting_is_down_at_once_and_until_it_has_run_for_a_while() -> None:
    course = Course()
    course.see(RESTARTING)
    assert course.judge.down
    assert course.judge.reason is RESTARTING
    for state in (SILENT, RESTARTING, STARTING, RESTARTING):
        course.see(state)
        assert course.judge.down
    assert course.until(STORING, lambda judge: not judge.down) == pytest.approx(PACE.back, abs=2 * PACE.doubt)


def test_a_server_that_evaluates_nothing_is_down_after_a_while() -> None:
    course = Course()
    assert 75 <= course.until(NOT_EVALUATING, down) <= 105
    assert course.judge.reason is NOT_EVALUATING
    assert not course.judge.blind, "its alerts do not end by themselves"
