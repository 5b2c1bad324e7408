"""The committed dashboards are what build.py generates, and their panels are laid out correctly."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import pytest

from grafana.build import boards
from tests.dashboards.boards import BOARDS, FILES, Panel, panels

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_the_committed_files_are_current() -> None:
    assert {file.name: file.read_text(encoding="utf-8") for file in FILES} == boards(), "run: make dashboards"


def test_the_names_that_mails_and_links_use_are_there() -> None:
    assert {board["uid"]: board["title"] for board in BOARDS.values()} == {
        "host": "Host",
        "fleet": "Fleet",
        "stack": "Stack",
        "application": "Application",
    }


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    board = BOARDS[name]
    everything = [*board["panels"], *(inner for panel in board["panels"] for inner in panel.get("panels") or [])]
    numbers = [panel["id"] for panel in everything]
    assert len(numbers) == len(set(numbers))
    for group in _groups(board):
        for one, other in combinations(group, 2):
            assert not _overlap(one["gridPos"], other["gridPos"]), f"{one['title']} and {other['title']}"
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in everything)


def _groups(board: Mapping[str, Any]) -> list[list[Panel]]:
    """Return what is on screen together: what is outside collapsed rows, and what is inside each."""
    return [board["panels"], *(panel["panels"] for panel in board["panels"] if panel.get("panels"))]


def test_what_follows_a_collapsed_row_follows_it_at_once() -> None:
    """Grafana moves it down when the row is expanded, by the height of its panels."""
    found = 0
    for board in BOARDS.values():
        for row, after in pairwise(board["panels"]):
            if row.get("collapsed"):
                found += 1
                assert after["gridPos"]["y"] == row["gridPos"]["y"] + 1, after["title"]
                assert min(panel["gridPos"]["y"] for panel in row["panels"]) == row["gridPos"]["y"] + 1
    assert found


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


@pytest.mark.parametrize("name", BOARDS)
def test_every_row_is_full(name: str) -> None:
    """No gaps: the panels of each row fill the width."""
    for group in _groups(BOARDS[name]):
        lines: dict[int, int] = {}
        for panel in group:
            lines[panel["gridPos"]["y"]] = lines.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]
        assert set(lines.values()) == {24}


def test_the_same_thing_has_the_same_colour_everywhere() -> None:
    colours: dict[str, set[str]] = {}
    for board in BOARDS.values():
        for panel in panels(board):
            for override in panel["fieldConfig"]["overrides"]:
                if override["matcher"]["id"] == "byName":
                    for value in _colours(override):
                        colours.setdefault(override["matcher"]["options"], set()).add(value)
    assert {name: found for name, found in colours.items() if len(found) > 1} == {}


def _colours(override: dict[str, Any]) -> list[str]:
    return [entry["value"]["fixedColor"] for entry in override["properties"] if entry["id"] == "color"]
