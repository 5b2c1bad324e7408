"""What Grafana makes of the dashboards, in a window of 1,440 pixels with its menu open: nothing is cut."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.dashboards.boards import BOARDS, Panel, overrides, panels
from tests.dashboards.test_colours import EVERY_PANEL, GRAPHS, KNOWN, TABLES, title

if TYPE_CHECKING:
    from collections.abc import Iterator

# Measured in Grafana: the width of its 24 columns, the gaps between panels, and the height of one step of the grid.
COLUMNS, GAP, STEP = 1106, 8, 38
FRAME = 18
"""Pixels that a panel's border and padding take from its width."""
HEADER = 70
"""Likewise those that its border and padding, the "i" and the menu take from its title."""
ABOVE = 48
"""Likewise those that its border, padding and header take from its height."""
ROW = 24
"""Pixels of one row of a legend."""
SHARE = 0.35
"""The part of a panel's height that Grafana gives to a legend below the graph."""
WIDEST = 1100
UNSET = 150
"""Pixels that a column without a width takes at least."""
CELL = 30
"""Pixels that a column's padding and the arrow of the sorted one take from its header."""
# Inter, weight 500, which is Grafana's font for headers: thousandths of its size by letter.
LETTERS = {
    252: "ijl", 267: " ", 272: "I", 303: ",.:", 340: "t", 370: "()/", 379: "f", 387: "r", 415: "1", 462: "-", 539: "s",
    558: "xkz", 565: "L", 571: "a7", 576: "Jvyc", 588: "eF", 603: "hnuo5E", 617: "2bdpqg", 629: "3869", 641: "ZP",
    648: "0SR", 655: "T4B", 688: "K", 698: "XY", 709: "AV", 728: "DC", 745: "UHG", 768: "NOQ", 829: "w", 888: "m",
    913: "M", 993: "%", 1003: "W",
}  # fmt: skip
WIDTHS = {letter: width for width, letters in LETTERS.items() for letter in letters}
SIZE = 14
MARKS = {"warning limit", "critical limit", "limit", "CPUs", "total"}


def pixels(text: str, size: int = SIZE) -> float:
    return size * sum(WIDTHS[letter] for letter in text) / 1000


def width(panel: Panel) -> float:
    return (COLUMNS + GAP) / 24 * float(panel["gridPos"]["w"]) - GAP


def height(panel: Panel) -> float:
    return STEP * float(panel["gridPos"]["h"]) - GAP


@pytest.mark.parametrize(("name", "panel"), EVERY_PANEL, ids=title)
def test_no_title_is_cut(name: str, panel: Panel) -> None:
    assert pixels(panel["title"]) <= width(panel) - HEADER, f"{name}: {panel['title']}"


def test_the_measure_of_titles_is_grafanas() -> None:
    """A panel of four columns: seen in Grafana, whole and cut."""
    panel = {"gridPos": {"w": 4}}
    room = width(panel) - HEADER
    assert all(pixels(whole) <= room for whole in ("Alerts firing", "Load per CPU", "Alerts not taken"))
    assert all(pixels(cut) > room for cut in ("Fullest filesystem", "Unhandled errors", "Targets not answering"))


def test_no_dashboard_or_row_is_named_past_its_line() -> None:
    rows = [panel["title"] for board in BOARDS.values() for panel in board["panels"] if panel["type"] == "row"]
    assert rows
    assert all(pixels(row) < COLUMNS for row in rows)


def _columns(panel: Panel) -> list[str]:
    """Return the names of a table's columns in their order."""
    (order,) = [step["options"] for step in panel["transformations"] if step["id"] == "organize"]
    places: dict[str, int] = order["indexByName"]
    return [order["renameByName"].get(column, column) for column in sorted(places, key=lambda column: places[column])]


@pytest.mark.parametrize(("name", "panel"), TABLES, ids=title)
def test_every_column_of_a_table_is_on_screen(name: str, panel: Panel) -> None:
    settings = overrides(panel, "byName")
    columns = _columns(panel)
    hidden = {column for column, properties in settings.items() if properties.get("custom.hideFrom", {}).get("viz")}
    assert set(settings) - hidden <= set(columns), "a setting for a column that is not there"
    taken = {column: settings.get(column, {}).get("custom.width", UNSET) for column in columns}
    room = min(width(panel) - FRAME, WIDEST)
    assert sum(taken.values()) <= room, f"{name}: {taken} is {sum(taken.values())} of {room:.0f} pixels"
    cut = {column for column in columns if pixels(column) > taken[column] - CELL}
    assert cut == set(), "headers that are cut"
    assert len(columns) - len([column for column in columns if "custom.width" in settings.get(column, {})]) >= 1, (
        "a gap"
    )


def test_what_matters_most_is_beside_the_names() -> None:
    found = {panel["title"]: _columns(panel) for _, panel in TABLES}
    assert found["Filesystems now"][:3] == ["Mountpoint", "Used", "Full in"]
    assert found["Machines"][:3] == ["Machine", "Level", "Alerts"]
    assert found["Targets"][0] == "State"


def _rows(panel: Panel) -> int:
    """Return how many rows the legend's table has at most, without its header."""
    hidden = {
        name
        for name, properties in overrides(panel, "byName").items()
        if properties.get("custom.hideFrom", {}).get("legend")
    }
    count = 0
    for target in panel["targets"]:
        legend = target["legendFormat"]
        if labels := re.findall(r"\{\{(\w+)\}\}", legend):
            known = [
                len(KNOWN.get(label, [])) or {"job": 5, "outcome": 3, "integration": 2}.get(label, 0)
                for label in labels
            ]
            limits = re.findall(r"topk\((\d+), ", target["expr"])
            places = 1 if re.fullmatch(r"[A-Z]\d", target["refId"]) else int(limits[0]) if limits else max(known)
            assert places, legend
            count += places
        else:
            count += legend not in hidden
    return count


@pytest.mark.parametrize(("name", "panel"), GRAPHS, ids=title)
def test_every_row_of_a_legends_table_is_on_screen(name: str, panel: Panel) -> None:
    legend = panel["options"]["legend"]
    if legend["displayMode"] != "table":
        assert not legend["calcs"], "figures in a list stand in no order"
        return
    inner = height(panel) - ABOVE
    room = inner if legend["placement"] == "right" else inner * SHARE
    assert ROW * (1 + _rows(panel)) <= room, f"{name}: {panel['title']}, {_rows(panel)} rows in {room:.0f} pixels"
    assert legend["placement"] == "bottom" or panel["gridPos"]["w"] >= 12, "no room beside the graph"


@pytest.mark.parametrize(("name", "panel"), GRAPHS, ids=title)
def test_limits_take_no_row_of_the_legend(name: str, panel: Panel) -> None:
    names = {target["legendFormat"] for target in panel["targets"]}
    settings = overrides(panel, "byName")
    shown = {mark for mark in MARKS & names if not settings[mark].get("custom.hideFrom", {}).get("legend")}
    assert shown == set(), name


@pytest.mark.parametrize(("name", "panel"), GRAPHS, ids=title)
def test_an_axis_has_figures_at_all_its_lines(name: str, panel: Panel) -> None:
    """Decimals that are fixed leave out those that need more, and what stands for nothing is written in their place."""
    settings = [panel["fieldConfig"]["defaults"], *overrides(panel, "byName").values()]
    assert not [one for one in settings if "decimals" in one or "noValue" in one], name


@pytest.mark.parametrize(("name", "panel"), GRAPHS, ids=title)
def test_a_limit_is_on_the_axis_and_does_not_flatten_the_lines(name: str, panel: Panel) -> None:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    assert custom["thresholdsStyle"]["mode"] == "off", f"{name}: no axis stretches to a threshold"
    for target in panel["targets"]:
        if target["legendFormat"] in {"limit", "total"}:
            near = re.search(r"< \d+ \*", target["expr"])
            assert near or custom["scaleDistribution"]["type"] == "log", "a limit that is far away flattens the lines"


def test_what_lists_failures_lists_only_those() -> None:
    """A legend of zeros says nothing; no data says that there are none."""
    lists = [panel for _, panel in GRAPHS if panel["title"] in {"Errors", "Failing collectors"}]
    assert len(lists) == 2
    for panel in lists:
        assert all("> 0)" in target["expr"] for target in panel["targets"])


def everything(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a JSON document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(inner)


@pytest.mark.parametrize("name", BOARDS)
def test_no_link_or_toggle_is_hidden_in_a_menu(name: str) -> None:
    board = BOARDS[name]
    assert "placement" not in json.dumps([board["links"], board["annotations"]])
    shown = [variable for variable in board["templating"]["list"] if variable["type"] != "textbox"]
    assert not [variable for variable in shown if variable.get("hide")]


@pytest.mark.parametrize("name", BOARDS)
def test_nothing_repeats(name: str) -> None:
    assert [one for one in everything(BOARDS[name]) if "repeatDirection" in one and not one.get("repeat")] == []


def test_the_machines_are_named_by_the_same_rule_everywhere() -> None:
    """By their hostnames, with the address beside those that share one."""
    legends = {
        (name, panel["title"]): target["legendFormat"]
        for name, panel in GRAPHS
        for target in panel["targets"]
        if name == "fleet"
    }
    assert set(legends.values()) == {"{{hostname}}"}


def test_the_last_figures_of_a_machine_are_not_those_of_now() -> None:
    (table,) = [panel for panel in panels(BOARDS["fleet"]) if panel["type"] == "table"]
    for target in table["targets"]:
        if "ALERTS" not in target["expr"] and "sort_desc" not in target["expr"]:
            assert re.search(r"and on \(job, instance\) up\{[^}]*\} == 1\)", target["expr"]), target["refId"]
