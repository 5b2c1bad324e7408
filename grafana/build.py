"""Writes the dashboards: ``make dashboards``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import application, fleet, host, links, machines, stack, style
from grafana.board import Board, alert_marks, data_source, one_of, some_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana_foundation_sdk.models import dashboard

FOLDER = Path(__file__).parent / "dashboards"


def host_board() -> dashboard.Dashboard:
    """Return the dashboard of one machine."""
    board = Board("host", "Host", "One machine: is it well, what used it up, and when will it be full?")
    board.variables(
        data_source(),
        one_of("job", "Job", "label_values(host_info, job)", current="host"),
        one_of("instance", "Machine", machines.VARIABLE, regex=machines.BY_NAME),
        links.address(),
    )
    board.annotations(alert_marks(style.ONE))
    host.fill(board)
    return board.build()


def fleet_board() -> dashboard.Dashboard:
    """Return the dashboard of all machines."""
    board = Board("fleet", "Fleet", "All machines, worst first. Click a name to open its own dashboard.")
    board.variables(
        data_source(),
        some_of("job", "Job", "label_values(host_info, job)"),
        some_of("instance", "Machine", 'label_values(host_info{job=~"$job"}, instance)'),
        links.address(),
    )
    fleet.fill(board)
    return board.build()


def stack_board() -> dashboard.Dashboard:
    """Return the dashboard of the monitoring itself."""
    board = Board(
        "stack", "Stack", "The monitoring itself: does it see everything, do emails go out, and what does it cost?"
    )
    board.variables(
        data_source(),
        some_of("job", "Job", "label_values(up, job)"),
        some_of("instance", "Instance", 'label_values(up{job=~"$job"}, instance)'),
        links.address(),
    )
    board.annotations(alert_marks(('alertname!~"(Host|App).+|Watchdog"', *style.SOME)))
    stack.fill(board)
    return board.build()


def application_board() -> dashboard.Dashboard:
    """Return the dashboard of your own applications."""
    board = Board(
        "application",
        "Application",
        "Your own applications: are they up, how fast, and with what errors? Empty until targets/apps/ names one.",
    )
    ours = "host|prometheus|alertmanager|grafana"
    board.variables(
        data_source(),
        one_of("job", "Job", f'label_values(up{{job!~"{ours}"}}, job)', current="app"),
        some_of("instance", "Application", 'label_values(up{job=~"$job"}, instance)'),
        links.address(),
    )
    board.annotations(alert_marks(style.SOME))
    application.fill(board)
    return board.build()


def text(board: dashboard.Dashboard) -> str:
    """Return a dashboard as the text of its file, without fields that only the library adds."""
    written = json.loads(json.dumps(board, cls=JSONEncoder))
    for variable in written["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):  # only interval variables have these
            variable.pop(name, None)
    for entry in (*written["annotations"].get("list", []), *written["links"]):
        entry.pop("placement", None)  # would hide the toggle, or the links, in a menu
    for panel in _panels(written):
        panel.pop("repeatDirection", None)  # nothing is repeated
        if panel["type"] == "table":
            panel["options"].pop("footer", None)  # removed in Grafana 12
        if "description" in panel:
            panel["description"] = links.described(panel["description"])
    return json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _panels(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all panels, rows and what they hold included."""
    for panel in holder.get("panels") or ():
        yield panel
        yield from _panels(panel)


def boards() -> dict[str, str]:
    """Return the text of each file by name."""
    built = (host_board(), fleet_board(), stack_board(), application_board())
    return {f"{board.uid}.json": text(board) for board in built}


def main() -> None:
    """Write all files."""
    for name, content in boards().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name} is written\n")


if __name__ == "__main__":
    main()
