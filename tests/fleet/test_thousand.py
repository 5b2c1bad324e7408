"""A thousand machines: every scrape comes in its time, and every rule."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.fleet.bench_measures import Figures, Plan, measure_rules, measure_scrapes
from tests.fleet.stack import Watched
from tests.stack.support import eventually
from tests.support_servers import missing
from tests.tools.stack.chain import MissingError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.load,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="each machine has an address of its own"),
]

MACHINES = 1000


def test_a_thousand_machines_are_scraped_and_judged_in_time(tmp_path: Path) -> None:
    try:
        watched = Watched(MACHINES, tmp_path)
    except MissingError as reason:
        missing(str(reason))
    plan = Plan(window=45)
    figures = Figures(MACHINES)
    with watched:
        eventually(lambda: watched.number('count(up{job="host"})') == MACHINES, 30)
        time.sleep(plan.window + 2)
        measure_scrapes(figures, watched, plan)
        measure_rules(figures, watched, plan)
        there = watched.number('count(up{job="host"} == 1)')
        levels = watched.number("count(instance:host_level:max)")
        firing = watched.number('count(ALERTS{alertname="HostHighMemory"})')
    assert figures.scrapes_missed == 0
    assert figures.rules_missed == 0
    assert {group.name: group.longest for group in figures.groups if group.longest >= group.interval} == {}
    assert len(figures.groups) > 3
    # Some are away; the others are known and judged.
    assert 0.97 * MACHINES < there < MACHINES
    assert levels >= 0.97 * MACHINES
    assert firing > 0
