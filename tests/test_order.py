"""Page, terminal and window list their subjects in the order of COLLECTORS, and in no order of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import exporter
from exporter.collectors import COLLECTORS
from exporter.render.shares import shares
from exporter.render.tables import tables
from exporter.sampling.sampler import Sampler
from exporter.web import create_app
from exporter.web.partials import PLACES
from tests.machines import FixtureMachine
from tests.web.test_page import Page

if TYPE_CHECKING:
    from exporter.model import Collector

ID = re.compile(r'<h2 id="(\w+)">')
SUBJECTS = Path(exporter.__file__).parent / "web/templates/subjects"


def headings(place: str, name: str) -> list[str]:
    """Return the ids of the headings that a subject has in a place of the page."""
    text = (SUBJECTS / f"{name}.html").read_text(encoding="utf-8")
    return [
        found for macro in text.split("{% macro ")[1:] if macro.startswith(f"{place}(") for found in ID.findall(macro)
    ]


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
    assert shown == [heading for place in PLACES for name in names for heading in headings(place, name)]
    assert len(shown) >= len(names) - 2, "all but those in the head of the page have a heading"

    bars = [share.name for share in shares(snapshot, laptop.settings.thresholds())]
    of_subjects = {"cpu": "CPU", "memory": "Memory", "filesystem": "/", "battery": "Battery"}
    assert [bar for bar in bars if bar in of_subjects.values()] == [of_subjects[n] for n in names if n in of_subjects]

    of_tables = {"processes": "Top processes", "network": "Network", "disk": "Disks", "textfile": "Disk health"}
    of_tables |= {"integrity": "Filesystem errors and missing devices", "raid": "Arrays", "pool": "Pools"}
    of_tables |= {"limits": "Kernel limits", "temperature": "Temperatures", "hardware": "Fans"}
    assert [table.title for table in tables(snapshot)] == [of_tables[name] for name in names if name in of_tables]
