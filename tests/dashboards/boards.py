"""The committed dashboards as the tests see them: panels and queries, with variables filled in as Grafana does."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER = Path(__file__).parents[2] / "grafana/dashboards"
FILES = sorted(FOLDER.glob("*.json"))
Panel = dict[str, Any]


def load(file: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return board


BOARDS = {file.stem: load(file) for file in FILES}


def panels(board: Mapping[str, Any]) -> Iterator[Panel]:
    """Yield all panels except rows, including those inside collapsed rows."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels") or []


def overrides(panel: Panel, matcher: str) -> dict[str, dict[str, Any]]:
    """Return the overridden properties by what the overrides are for."""
    found: dict[str, dict[str, Any]] = {}
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["id"] == matcher:
            properties = {entry["id"]: entry["value"] for entry in override["properties"]}
            found.setdefault(override["matcher"]["options"], {}).update(properties)
    return found


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    board: str
    panel: str
    ref: str
    expr: str
    instant: bool

    def __str__(self) -> str:
        return f"{self.board}-{self.panel}-{self.ref}"


def queries() -> list[Query]:
    return [
        Query(name, panel["title"], target["refId"], target["expr"], bool(target.get("instant")))
        for name, board in BOARDS.items()
        for panel in panels(board)
        for target in panel["targets"]
    ]


def variables(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def fill(expr: str, *, job: str = "", instance: str = ".+", seconds: float = 60) -> str:
    """Return an expression with Grafana's variables filled in, for a range of that many seconds and a step of 15 s.

    A given instance is not escaped: Grafana does not escape the value of a single-choice variable.
    """
    values = {
        # As in Grafana: the larger of four scrape intervals, or one step plus one scrape interval.
        "__rate_interval": "60s",
        "__interval": "15s",
        "__range": f"{seconds:.0f}s",
        "job": job or (".+" if instance == ".+" else "host"),
        "instance": instance,
    }
    # $1 is no variable: it is what label_replace() has found.
    found = re.sub(r"\$\{?([a-z_]\w*)\}?", lambda name: values[name[1]], expr)
    assert "$" not in found.replace("$1", "")
    return found
