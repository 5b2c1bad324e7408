"""Graphs that add up, and cells that have a level, against a real Prometheus."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.dashboards.boards import BOARDS, fill, panels, queries
from tests.dashboards.conftest import HOT, NO_CRITICAL, NO_LIMITS, NO_WARNING, UNDER, WARM, WELL
from tests.rules.test_rules import promtool
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dashboards.conftest import History
    from tests.tools.replay import Machine

MEMORY = {query.ref: query for query in queries() if (query.board, query.panel) == ("host", "Memory and swap")}
LAYERS = "ABCD"
COLUMNS = {"cpu_level": "CPU", "memory_level": "Memory", "filesystem_level": "Fullest disk"}
(TABLE,) = [panel for panel in panels(BOARDS["fleet"]) if panel["type"] == "table"]


def number(history: History, expr: str, instance: str) -> float | None:
    """Return the value of a query for a machine, None if there is none."""
    found = history.instant(fill(expr, instance=instance))
    return float(found[0]["value"][1]) if found else None


def properties(matcher: str) -> dict[str, Any]:
    """Return what the overrides of a column of Fleet's table set."""
    return {
        entry["id"]: entry["value"]
        for override in TABLE["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == matcher
        for entry in override["properties"]
    }


def test_the_layers_of_memory_end_at_all_there_is(history: History) -> None:
    def layers() -> list[float]:
        now = time.time()
        found = [history.instant(fill(MEMORY[ref].expr, instance=history.exporter), now) for ref in LAYERS]
        return [float(one["value"][1]) for series in found for one in series]

    eventually(lambda: len(layers()) >= 2, 10)
    total = number(history, 'host_memory_total_bytes{job="host", instance="$instance"}', history.exporter)
    assert sum(layers()) == pytest.approx(total)


@pytest.mark.parametrize(
    ("free", "layers"),
    [
        pytest.param(100, {"A": 700, "B": 200, "C": 100}, id="most is cache"),
        pytest.param(300, {"A": 700, "B": 0, "C": 300}, id="no cache"),
        pytest.param(350, {"A": 700, "B": 0, "C": 300}, id="the kernel keeps some of what is free"),
        pytest.param(None, {"A": 700, "D": 300}, id="what is free is unknown"),
    ],
)
def test_each_byte_is_in_one_layer(tmp_path: Path, free: int | None, layers: dict[str, int]) -> None:
    """Of 1000 bytes, 300 are available."""
    amounts = {"total": 1000, "used": 700, "available": 300, "free": free}
    where = 'job="host", instance="a:5000"'
    file = {
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": f"host_memory_{name}_bytes{{{where}}}", "values": f"{amount}x8"}
                    for name, amount in amounts.items()
                    if amount is not None
                ],
                "promql_expr_test": [
                    {
                        "expr": f"sum({fill(MEMORY[ref].expr, instance='a:5000')})",
                        "eval_time": "1m",
                        "exp_samples": [{"labels": "{}", "value": layers[ref]}] if ref in layers else [],
                    }
                    for ref in LAYERS
                ],
            }
        ]
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(file), encoding="utf-8")
    answer = promtool("test", "rules", "test.yml", folder=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_swap_and_limits_are_not_stacked_on_memory() -> None:
    (panel,) = [panel for panel in panels(BOARDS["host"]) if panel["title"] == "Memory and swap"]
    assert panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    apart = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        for entry in override["properties"]
        if entry["id"] == "custom.stacking" and entry["value"]["mode"] == "none"
    }
    layers = {target["legendFormat"] for target in panel["targets"] if target["refId"] in LAYERS}
    assert apart == {target["legendFormat"] for target in panel["targets"]} - layers


def test_the_band_of_the_cores_holds_their_mean(history: History) -> None:
    band = {query.ref: query.expr for query in queries() if query.panel == "CPU by core"}
    low, high, mean = (number(history, band[ref], WELL.instance) for ref in "ABC")
    assert low is not None
    assert high is not None
    assert mean is not None
    assert low <= mean <= high


@pytest.mark.parametrize("label", COLUMNS)
@pytest.mark.parametrize(
    ("machine", "colour"),
    [
        (WELL, "#73bf69"),
        (WARM, "#fade2a"),
        (HOT, "#f2495c"),
        (NO_WARNING, "#f2495c"),
        (UNDER, "#73bf69"),
        (NO_CRITICAL, "#fade2a"),
        (NO_LIMITS, None),
    ],
    ids=lambda one: one if isinstance(one, str) else getattr(one, "name", "none"),
)
def test_a_cell_of_the_fleet_has_the_colour_of_the_machines_own_limits(
    history: History, label: str, machine: Machine, colour: str | None
) -> None:
    (expr,) = [target["expr"] for target in TABLE["targets"] if label in target["expr"]]
    eventually(lambda: history.instant(fill(expr, instance=machine.instance)), 10)
    (found,) = history.instant(fill(expr, instance=machine.instance))
    looks = json.loads(found["metric"][label])
    assert re.findall(r"#\w{6}", str(looks)) == ([colour] if colour else [])
    assert ("background" in looks) == (colour in {"#fade2a", "#f2495c"}), "what is well stays quiet"


@pytest.mark.parametrize(("label", "column"), COLUMNS.items())
def test_a_column_takes_its_looks_from_one_that_nobody_sees(label: str, column: str) -> None:
    assert properties(column)["custom.styleField"] == label
    assert properties(label)["custom.hideFrom"]["viz"] is True
    hidden = {name for step in TABLE["transformations"] for name in step["options"].get("excludeByName", {})}
    assert label not in hidden, "a column that is taken out has no looks to give"
