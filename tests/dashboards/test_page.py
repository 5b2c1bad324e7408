"""docs/dashboards.md names every panel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboards.boards import BOARDS, panels

PAGE = Path(__file__).parents[2] / "docs/dashboards.md"


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_is_named(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    part = text.split(f"## {BOARDS[name]['title']}:")[1].split("\n## ")[0]
    titles = {panel["title"].partition(": five highest")[0] for panel in panels(BOARDS[name])}
    shown = part.lower()
    assert {title for title in titles if title.lower() not in shown} == set()
