"""A thousand machines: all scrapes and rule evaluations succeed on time."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.fleet.bench_figures import Figures, Plan
from tests.fleet.bench_measures import measure_rules, measure_scrapes
from tests.fleet.stack import Watched
from tests.support import eventually
from tests.support_servers import missing
from tests.tools.stack.chain import MissingError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.load,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="each machine has an address of its own"),
]

MACHINES = 1000
PAST = 100
"""Machines with six hours of history for the trend rules: for more, creating it would take too long."""


def test_a_thousand_machines_are_scraped_and_judged_in_time(tmp_path: Path) -> None:
    try:
        watched = Watched(MACHINES, tmp_path, room=PAST)
    except MissingError as reason:
        missing(str(reason))
    plan = Plan(window=60)  # "host trend" is evaluated once in it
    figures = Figures(MACHINES)
    with watched:
        eventually(lambda: watched.number('count(up{job="host"})') == MACHINES, 30)
        time.sleep(plan.window + 2)
        measure_rules(figures, watched, plan)
        measure_scrapes(figures, watched, plan)
        there = watched.number('count(up{job="host"} == 1)')
        levels = watched.number("count(instance:host_level:max)")
        firing = watched.number('count(ALERTS{alertname="HostHighMemory"})')
        # The trend rules cover the machines that have a history.
        past = watched.number("count(host_filesystem_available_bytes offset 5h)")
    print({group.name: f"{group.longest:.2f} of {group.interval:.0f} s" for group in figures.groups})
    assert figures.broken() == []
    assert {"host usage", "host overview", "host", "host trend"} <= {group.name for group in figures.groups}
    assert all(group.ago < plan.window + 2 for group in figures.groups)
    assert past > PAST
    # Some are down; the others are known and evaluated.
    assert figures.scrapes.away > 0
    assert 0.97 * MACHINES < there < MACHINES
    assert levels >= 0.97 * MACHINES
    assert firing > 0
