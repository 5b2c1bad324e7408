"""The cells of tables have the colour of each machine's own limits."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.dashboards.boards import BOARDS, Panel, fill, overrides, panels
from tests.dashboards.conftest import HOT, NO_CRITICAL, NO_LIMITS, NO_WARNING, UNDER, WARM, WELL
from tests.support import eventually

if TYPE_CHECKING:
    from tests.dashboards.conftest import History
    from tests.tools.replay import Machine

GREEN, YELLOW, RED = "#73bf69", "#fade2a", "#f2495c"
CELLS = [
    ("fleet", "Machines", "CPU", "cpu_level"),
    ("fleet", "Machines", "Memory", "memory_level"),
    ("fleet", "Machines", "Fullest disk", "filesystem_level"),
    ("host", "Filesystems now", "Used", "filesystem_level"),
]
"""Dashboard, table, column, and the column that says how its cells look."""


def table(board: str, title: str) -> Panel:
    (found,) = [panel for panel in panels(BOARDS[board]) if panel["type"] == "table" and panel["title"] == title]
    return found


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
@pytest.mark.parametrize(
    ("machine", "colour"),
    [
        pytest.param(WELL, GREEN, id="well"),
        pytest.param(WARM, YELLOW, id="warning"),
        pytest.param(HOT, RED, id="critical"),
        pytest.param(NO_WARNING, RED, id="no warning, critical"),
        pytest.param(UNDER, GREEN, id="no warning, well"),
        pytest.param(NO_CRITICAL, YELLOW, id="no critical, warning"),
        pytest.param(NO_LIMITS, None, id="no limits"),
    ],
)
def test_a_cell_has_the_colour_of_its_level(
    history: History, cell: tuple[str, str, str, str], machine: Machine, colour: str | None
) -> None:
    board, title, column, label = cell
    (expr,) = [target["expr"] for target in table(board, title)["targets"] if label in target["expr"]]
    asked = fill(expr, instance=machine.instance)
    eventually(lambda: history.instant(asked), 10)
    for found in history.instant(asked):
        looks = json.loads(found["metric"][label])
        assert re.findall(r"#\w{6}", str(looks)) == ([colour] if colour else []), column
        assert ("background" in looks) == (colour in {YELLOW, RED}), "what is well stays quiet"


@pytest.mark.parametrize(("board", "title", "column", "label"), CELLS)
def test_a_column_takes_its_looks_from_one_that_nobody_sees(board: str, title: str, column: str, label: str) -> None:
    found = table(board, title)
    properties = overrides(found, "byName")
    assert properties[column]["custom.styleField"] == label
    assert properties[label]["custom.hideFrom"]["viz"] is True
    removed = {name for step in found["transformations"] for name in step["options"].get("excludeByName", {})}
    assert label not in removed, "a column that is taken out has no looks to give"


def test_each_share_that_has_limits_has_its_level() -> None:
    """Columns of ratios, on any dashboard; there is no limit for inodes that a machine's owner sets."""
    bars = {
        (board, panel["title"], column)
        for board, one in BOARDS.items()
        for panel in panels(one)
        if panel["type"] == "table"
        for column, properties in overrides(panel, "byName").items()
        if properties.get("custom.cellOptions", {}).get("type") == "gauge"
    }
    assert bars - {("host", "Filesystems now", "Inodes")} == {cell[:3] for cell in CELLS}
