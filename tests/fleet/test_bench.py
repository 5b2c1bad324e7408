"""How the benchmark judges its figures: when a server holds, and what the table shows."""

from __future__ import annotations

import dataclasses
import math

import pytest

from tests.fleet.bench_disk import Disk
from tests.fleet.bench_figures import Figures, Group, Scrapes
from tests.fleet.bench_measures import judge
from tests.fleet.bench_search import search
from tests.fleet.bench_table import markdown
from tests.fleet.life import STEADY, Life

WELL = Figures(
    100,
    scrapes=Scrapes(late_ms=[3.0] * 200, missed=0, failed=0, away=7),
    groups=[Group("host usage", 0.4, 0.5, 5, 2), Group("host trend", 1, 1.2, 60, 40)],
    rules_missed=0,
)


def so(machines: int, most: int) -> Figures:
    """Return figures that hold up to this many machines."""
    return dataclasses.replace(WELL, machines=machines, rules_missed=0 if machines <= most else 3)


def test_what_came_in_its_time_holds() -> None:
    assert WELL.broken() == []
    assert WELL.holds()
    assert WELL.nearest
    assert WELL.nearest.name == "host usage"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scrapes": Scrapes([0.0], missed=0, failed=2)}, "scrapes failed: 2"),
        ({"scrapes": Scrapes([0.0], missed=5, failed=0)}, "scrapes missed: 5"),
        ({"scrapes": Scrapes([0.0, 1500.0], missed=0, failed=0)}, "scrapes late: p99 1500 ms"),
        ({"groups": [Group("host usage", 4, 5.5, 5, 2)]}, 'rules "host usage": 5.5 of 5 s'),
        ({"groups": [Group("host usage", 4, math.nan, 5, 2)]}, 'rules "host usage": nan of 5 s'),
        ({"groups": [Group("host trend", 0, 0, 60, 6e10)]}, "not evaluated for two intervals: host trend"),
        ({"groups": []}, "not evaluated for two intervals: nan"),
        ({"rules_missed": 1.0}, "evaluations missed: 1"),
        ({"rules_missed": math.nan}, "evaluations missed: nan"),
        ({"trouble": "TimeoutError timed out"}, "no more figures: TimeoutError timed out"),
    ],
)
def test_what_did_not_is_named(change: dict[str, object], said: str) -> None:
    assert dataclasses.replace(WELL, **change).broken() == [said]  # type: ignore[arg-type]


def test_a_failed_scrape_counts_unless_the_machine_was_away() -> None:
    scrapes = Scrapes(missed=0, failed=0, away=0)
    judge(scrapes, STEADY, [(2, "1"), (17, "0"), (32, "1"), (49, "1")], 0, 60)
    assert (scrapes.failed, scrapes.away, scrapes.missed) == (1, 0, 0)
    assert scrapes.late_ms == [0, 0, 2000]
    leaving = Life(every=1e9, offset=-1e6, away_every=600, away_for=40)
    goes = 600 - 1e6 % 600
    judge(scrapes, leaving, [(goes - 15, "1"), (goes, "0"), (goes + 30, "0"), (goes + 45, "0")], goes - 20, goes + 50)
    assert (scrapes.failed, scrapes.away, scrapes.missed) == (2, 2, 1), "the last one is of a machine that was up again"


@pytest.mark.parametrize(
    ("times", "missed"),
    [
        ([15.01, 30, 45, 59.9], 0),  # ten milliseconds late at one end and early at the other: one sample fewer
        ([1, 16, 46], 1),
        ([40, 55], 2),
        ([5, 20], 2),
        ([], 3),
    ],
)
def test_a_scrape_is_missed_where_there_is_a_gap(times: list[float], missed: int) -> None:
    scrapes = Scrapes(missed=0, failed=0, away=0)
    judge(scrapes, STEADY, [(at, "1") for at in times], 0, 60)
    assert scrapes.missed == missed


@pytest.mark.parametrize(("most", "tried"), [(6500, [8000, 6000, 7000]), (2500, [2000, 3000]), (900, [2000, 1000])])
def test_the_most_is_looked_for_between_what_held_and_what_did_not(most: int, tried: list[int]) -> None:
    assert [found.machines for found in search(so(4000, most), lambda size: so(size, most), lambda: True)] == tried


def test_no_size_is_begun_after_the_time_is_over() -> None:
    assert list(search(so(10, 99), lambda size: so(size, 99), lambda: False)) == []


def test_the_table_has_a_dash_where_there_is_no_figure_and_says_what_broke() -> None:
    broken = Figures(200, trouble="timed out")
    lines = markdown([WELL, broken], Disk(2, 500, 100, 40, 15.0)).splitlines()
    assert lines[:2] == ["| machines | 100 | 200 |", "| --- | ---: | ---: |"]
    assert '| group "host usage", mean / longest | 400 / 500 ms of 5 s | - |' in lines
    assert '| group closest to its interval, longest | "host usage": 10% | - |' in lines
    assert "| scrapes failed (and of machines that were down) | 0 (7) | - |" in lines
    assert "| samples a second | - | - |" in lines
    assert lines[-1] == "| everything on time | yes | **no**: no more figures: timed out |"
