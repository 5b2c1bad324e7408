"""Graphs whose series add up, or lie within each other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.dashboards.boards import BOARDS, fill, overrides, panels, queries
from tests.dashboards.conftest import WELL
from tests.rules.test_rules import promtool
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dashboards.conftest import History

MEMORY = {query.ref: query for query in queries() if (query.board, query.panel) == ("host", "Memory and swap")}
LAYERS = "ABCD"


def number(history: History, expr: str, instance: str) -> float | None:
    """Return the value of a query for a machine, None if there is none."""
    found = history.instant(fill(expr, instance=instance))
    return float(found[0]["value"][1]) if found else None


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
        name
        for name, properties in overrides(panel, "byName").items()
        if properties.get("custom.stacking", {}).get("mode") == "none"
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
