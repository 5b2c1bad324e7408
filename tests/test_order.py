"""Page, terminal and window list their subjects in the order of COLLECTORS, and in no order of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors import COLLECTORS
from exporter.render.shares import shares
from exporter.render.tables import tables
from exporter.sampling.sampler import Sampler
from exporter.web import create_app
from tests.machines import FixtureMachine
from tests.web.test_page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.model import Collector

HEADINGS = {
    "cards": {"cpu": "cpu", "memory": "memory", "filesystem": "fullest"},
    "wide": {"processes": "processes", "filesystem": "filesystems"},
    "narrow": {
        "network": "network",
        "disk": "disks",
        "battery": "battery",
        "temperature": "temperatures",
        "pressure": "pressure",
    },
}
"""The headings in each place of the page, by subject."""


@pytest.mark.parametrize("collectors", [COLLECTORS, tuple(reversed(COLLECTORS))], ids=["forwards", "backwards"])
def test_every_view_follows_the_one_order(
    collectors: tuple[Collector, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch)
    sampler = Sampler(laptop.machine, collectors, clock=laptop.clock, sleep=laptop.advance)
    sampler.prime()
    laptop.advance(10)
    snapshot = sampler.sample()
    names = [each.name for each in collectors]

    page = Page(create_app(sampler, laptop.settings).test_client().get("/").text)
    shown = [attributes["id"] for attributes, _ in page.all("h2")]
    wanted = [place[name] for place in HEADINGS.values() for name in names if name in place]
    assert shown == wanted

    bars = [share.name for share in shares(snapshot, laptop.settings.thresholds())]
    of_subjects = {"cpu": "CPU", "memory": "Memory", "filesystem": "/", "battery": "Battery"}
    assert [bar for bar in bars if bar in of_subjects.values()] == [of_subjects[n] for n in names if n in of_subjects]

    of_tables = {"processes": "Top processes", "network": "Network", "disk": "Disks"}
    assert [table.title for table in tables(snapshot)] == [of_tables[name] for name in names if name in of_tables]
