"""Writes the dashboards: ``make dashboards``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import application, fleet, host, stack, style
from grafana.board import Board, alert_marks, data_source, one_of, some_of

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard

FOLDER = Path(__file__).parent / "dashboards"

# A machine is chosen by its name; its series are found by the address under which it is scraped. The address stands
# beside the name where two machines have the same, and alone where a machine never said its name. Machines that are
# down are in the list for as long as they are targets: Fleet leads to them.
BY_NAME = r'/hostname=" ?(?<text>[^"]+)|instance="(?<value>[^"]+)/g'
SEEN = 'topk by (job, instance) (1, last_over_time(instance:host_seen:timestamp_seconds{job="$job"}[$__range]))'
NAMED = SEEN.replace('job="$job"', 'job="$job", hostname!=""')
CLEAR = f"on (job, hostname) (count by (job, hostname) ({NAMED}) == 1)"
ADDRESSED = f'label_join({SEEN} unless {CLEAR}, "hostname", " ", "hostname", "instance")'
MACHINES = f"query_result({SEEN} and {CLEAR} or {ADDRESSED})"


def host_board() -> dashboard.Dashboard:
    """Return the dashboard of one machine."""
    board = Board("host", "Host", "One machine: is it well, what ate it, when will it be full?")
    board.variables(
        data_source(),
        one_of("job", "Job", "label_values(host_info, job)", current="host"),
        one_of("instance", "Machine", MACHINES, regex=BY_NAME),
    )
    board.annotation(alert_marks(style.ONE))
    host.fill(board)
    return board.build()


def fleet_board() -> dashboard.Dashboard:
    """Return the dashboard of all machines."""
    board = Board("fleet", "Fleet", "All machines, the worst first. A click on a name opens its own dashboard.")
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
        "stack", "Stack", "The monitoring itself: does it see everything, does its mail leave, what does it cost?"
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
    """Return the dashboard of applications of one's own."""
    board = Board(
        "application",
        "Application",
        "Applications of your own: do they answer, how fast, with what errors? Empty until targets/apps/ names one.",
    )
    ours = "host|prometheus|alertmanager|grafana"
    board.variables(
        data_source(),
        one_of("job", "Job", f'label_values(up{{job!~"{ours}"}}, job)', current="app"),
        some_of("instance", "Application", 'label_values(up{job=~"$job"}, instance)'),
    )
    board.annotation(alert_marks(style.SOME))
    application.fill(board)
    return board.build()


def text(board: dashboard.Dashboard) -> str:
    """Return a dashboard as the text of its file, without what the library adds unasked."""
    written = json.loads(json.dumps(board, cls=JSONEncoder))
    for variable in written["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):  # the library writes what only interval variables have
            variable.pop(name, None)
    for annotation in written["annotations"].get("list", []):
        annotation.pop("placement", None)  # would hide the switch in a menu
    for panel in written["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)  # gone in Grafana 12
    return json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def boards() -> dict[str, str]:
    """Return the text of each file by its name."""
    built = (host_board(), fleet_board(), stack_board(), application_board())
    return {f"{board.uid}.json": text(board) for board in built}


def main() -> None:
    """Write all files."""
    for name, content in boards().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name} is written\n")


if __name__ == "__main__":
    main()
