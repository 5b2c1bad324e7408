"""Writes the dashboards: ``make dashboards``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import application, fleet, host, stack, style
from grafana.board import Board, alert_marks, data_source, one_of, runbooks, some_of

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard

FOLDER = Path(__file__).parent / "dashboards"

# A machine is selected by name, and its series are found by the address it is scraped at. The list shows the address
# beside the name if two machines share a name, and alone if a machine has never reported one. Machines that are down
# stay in the list as long as they are targets, because Fleet links to them.
BY_NAME = r'/hostname=" ?(?<text>[^"]+)|instance="(?<value>[^"]+)/g'
SEEN = 'topk by (job, instance) (1, last_over_time(instance:host_seen:timestamp_seconds{job="$job"}[$__range]))'
NAMED = SEEN.replace('job="$job"', 'job="$job", hostname!=""')
CLEAR = f"on (job, hostname) (count by (job, hostname) ({NAMED}) == 1)"
ADDRESSED = f'label_join({SEEN} unless {CLEAR}, "hostname", " ", "hostname", "instance")'
MACHINES = f"query_result({SEEN} and {CLEAR} or {ADDRESSED})"


def host_board() -> dashboard.Dashboard:
    """Return the dashboard of one machine."""
    board = Board("host", "Host", "One machine: is it well, what used it up, and when will it be full?")
    board.variables(
        data_source(),
        one_of("job", "Job", "label_values(host_info, job)", current="host"),
        one_of("instance", "Machine", MACHINES, regex=BY_NAME),
        runbooks(),
    )
    board.annotation(alert_marks(style.ONE))
    host.fill(board)
    return board.build()


def fleet_board() -> dashboard.Dashboard:
    """Return the dashboard of all machines."""
    board = Board("fleet", "Fleet", "All machines, worst first. Click a name to open its own dashboard.")
    board.variables(
        data_source(),
        some_of("job", "Job", "label_values(host_info, job)"),
        some_of("instance", "Machine", 'label_values(host_info{job=~"$job"}, instance)'),
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
    )
    board.annotation(alert_marks(('alertname!~"(Host|App).+|Watchdog"', *style.SOME)))
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
        runbooks(),
    )
    board.annotation(alert_marks(style.SOME))
    application.fill(board)
    return board.build()


def text(board: dashboard.Dashboard) -> str:
    """Return a dashboard as the text of its file, without fields that only the library adds."""
    written = json.loads(json.dumps(board, cls=JSONEncoder))
    for variable in written["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):  # only interval variables have these
            variable.pop(name, None)
    for annotation in written["annotations"].get("list", []):
        annotation.pop("placement", None)  # would hide the toggle in a menu
    for panel in written["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)  # removed in Grafana 12
    return json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


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
