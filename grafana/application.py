"""Dashboard Application: whether your own applications are well, what they are asked, and what is slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import alerting, links, panels, requests, style
from grafana.style import now, over_time, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline, timeseries

    from grafana.board import Board


def fill(board: Board) -> None:
    """Lay out the panels."""
    for panel in (not_answering(), asked(), failing(), unhandled(), slowest(), firing()):
        board.add(panel, 4, 4)
    board.add(alerts(), 24, 5)
    board.row("Requests")
    board.add(requests.requests(), 12, 8)
    board.add(requests.answers(), 12, 8)
    board.add(requests.slow_routes(), 12, 8)
    board.add(requests.errors(), 12, 8)
    board.add(requests.request_time(), 24, 8)
    board.row("Predictions")
    board.add(requests.prediction_time(), 12, 8)
    board.add(requests.predictions(), 12, 8)
    board.row("What it uses")
    board.add(cpu(), 12, 8)
    board.add(memory(), 12, 8)


def not_answering() -> stat.Panel:
    """Return how many of the selected applications are down."""
    panel = panels.number(
        "Down",
        'Applications whose last scrape failed. Good: 0. "Alerts" below shows which ones; see runbook AppDown.',
        style.COUNT,
        now(f"count({select('up')} == 0) or 0 * count({select('up')})"),
    )
    return panels.signal(panel, (1, style.CRITICAL))


def asked() -> stat.Panel:
    """Return the request rate."""
    return panels.number(
        "Requests",
        "Requests per minute, averaged over 5 minutes. Good: what you are used to. None at all can mean that nobody "
        "gets through.",
        style.A_MINUTE,
        now(f"60 * sum(rate({select(requests.ASKED)}[5m]))"),
        decimals=1,
    )


def failing() -> stat.Panel:
    """Return the share of requests that the application failed."""
    failed = select(requests.ASKED, 'status=~"5.."')
    panel = panels.number(
        "Failed",
        "Share of the requests in the last 5 minutes that got a 5xx response: the application's fault, not the "
        'caller\'s. Good: 0 %. "Errors" names the route.',
        style.RATIO,
        now(f"(sum(rate({failed}[5m])) or vector(0)) / (sum(rate({select(requests.ASKED)}[5m])) > 0)"),
        decimals=1,
    )
    return panels.signal(panel, (0.001, style.WARNING), (0.05, style.CRITICAL))


def unhandled() -> stat.Panel:
    """Return the number of unhandled exceptions."""
    panel = panels.number(
        "Exceptions",
        "Requests in the last 10 minutes that ended in an unhandled exception. Good: 0. The application's log has the "
        "traceback; see runbook AppUnhandledErrors.",
        style.COUNT,
        now(f"sum(increase({requests.EXCEPTIONS}[10m]))"),
    )
    return panels.signal(panel, (0.5, style.CRITICAL))


def slowest() -> stat.Panel:
    """Return the time within which nearly all requests are answered."""
    return panels.number(
        "p95 latency",
        "Time within which 95 of 100 requests in the last 5 minutes were answered, estimated from a histogram. Good: "
        'less than a user is willing to wait, 0.5 s. "Slow routes" names the slowest.',
        style.SECONDS,
        now(f"{requests.quantile(0.95, requests.REQUEST_TIME, '5m')} > 0"),
        decimals=2,
    )


def firing() -> stat.Panel:
    """Return the number of firing alerts."""
    return panels.number_of_alerts(
        'Firing alerts of the selected applications. Good: 0. "Alerts" below shows which ones; click here for the '
        "runbooks, which say what to do about each.",
        select("ALERTS"),
        select("up"),
    )


def alerts() -> statetimeline.Panel:
    """Return which alerts fired, and when."""
    answered = f"min_over_time({select('up')}[$__interval])"
    panel = panels.timeline(
        "Alerts",
        "Whether each application was up, and below it every alert while it fired. Good: green lines only. Click a bar "
        "for the alert's runbook. Compare the graphs below at the same time to see what happened.",
        over_time(f"2 * (1 - max by (instance) ({answered}))", "{{instance}}"),
        over_time(
            f"max by (alertname, instance) ({alerting.fired(select('ALERTS'))})", "{{alertname}} {{instance}}", "B"
        ),
    )
    panel = panel.override_by_query("B", [links.runbook()])
    return panel.mappings(style.words(alerting.LEVELS))


def cpu() -> timeseries.Panel:
    """Return the CPU usage of each instance."""
    seconds = select("process_cpu_seconds_total")
    return _used(
        "CPU",
        "Cores in use, the five busiest instances. Good: below the number of CPUs available to each; at that number "
        "requests queue.",
        style.CORES,
        f"rate({seconds}[$__rate_interval])",
        style.in_range("increase", seconds),
    )


def memory() -> timeseries.Panel:
    """Return the memory usage of each instance."""
    held = select("process_resident_memory_bytes")
    return _used(
        "Memory in use",
        "Resident memory, the five largest instances. Good: steady after the first hour. A line that only rises is a "
        "leak.",
        style.BYTES,
        held,
        style.in_range("max_over_time", held),
    )


def _used(title: str, description: str, unit: str, used: str, most: str) -> timeseries.Panel:
    panel = panels.graph(title, description, unit, *style.ranked(used, "job, instance", "{{instance}}", "A", (5, most)))
    return panel.legend(style.legend("mean", "max", sort="Max", beside=True))
