"""A number says what it counts."""

from __future__ import annotations

from typing import Any

from tests.dashboards.boards import BOARDS, Panel, overrides, panels

IN_CORES = ("host_top_process_cpu_cores", "process_cpu_seconds_total")
PANELS = [panel for board in BOARDS.values() for panel in panels(board)]


def units(panel: Panel) -> dict[str, Any]:
    """Return the unit of each column that has its own, and of the others under an empty name."""
    by_name = overrides(panel, "byName")
    own = {column: properties["unit"] for column, properties in by_name.items() if "unit" in properties}
    return {"": panel["fieldConfig"]["defaults"]["unit"], **own}


def test_what_is_in_cores_says_so() -> None:
    """A share of one core is no such figure: it is in percent."""
    found = [panel for panel in PANELS if any(name in str(panel["targets"]) for name in IN_CORES)]
    wrong = [panel["title"] for panel in found if not {"suffix:cores", "percentunit"} & set(units(panel).values())]
    assert len(found) > 3
    assert wrong == []


def test_cpu_in_a_table_is_in_cores() -> None:
    for panel in PANELS:
        for column, unit in units(panel).items():
            if column.startswith("CPU,"):
                assert unit == "suffix:cores", panel["title"]


def test_operations_of_disks_say_so() -> None:
    found = [panel for panel in PANELS if panel["title"] == "Disk operations"]
    assert [units(panel)[""] for panel in found] == ["suffix:ops/s"]
