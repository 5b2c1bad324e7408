"""A dashboard and the answers to all its panels' queries, as the page in ``app`` wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.dashboards.boards import fill, panels
from tests.draw import recorded
from tests.draw.world import END, HOUR, MAIN, STEP

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = {"job": "host", "instance": f"{MAIN}:5000"}
CHOSEN: dict[str, dict[str, str]] = {"host": HOST, "application": {"job": "app"}}
"""What the menus of a dashboard choose; All where nothing is said."""
SHOWN = {
    "host": [("Machine", MAIN)],
    "fleet": [("Job", "All"), ("Machine", "All")],
    "stack": [("Job", "All"), ("Instance", "All")],
    "application": [("Application", "All")],
}


def answers(url: str, name: str, board: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers by panel and query."""
    return {
        str(panel["id"]): {
            target["refId"]: _answer(url, target, CHOSEN.get(name, {})) for target in panel.get("targets", [])
        }
        for panel in panels(board)
    }


def _answer(url: str, target: Mapping[str, Any], chosen: dict[str, str]) -> dict[str, Any]:
    expr = fill(target["expr"], seconds=HOUR, **chosen)
    if target.get("instant"):
        series = [{"metric": one["metric"], "values": [one["value"]]} for one in recorded.ask(url, expr)]
    else:
        series = recorded.ask(url, expr, END - HOUR)
    return {"series": series, "step": STEP * 1000}


def drawing(name: str, board: Mapping[str, Any], found: dict[str, Any], mode: str, *, opened: bool) -> dict[str, Any]:
    """Return what the page needs to draw a dashboard; ``opened`` draws what is in collapsed rows as well."""
    return {
        "mode": mode,
        "board": {"title": board["title"], "panels": board["panels"]},
        "answers": found,
        "variables": SHOWN.get(name, []),
        "range": [(END - HOUR) * 1000, END * 1000],
        "period": "Last 1 hour, UTC",
        "open": opened,
    }
