"""Dashboard Application: whether an application of one's own is well, what it is asked, and what is slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, requests, style
from grafana.style import now, over_time, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline, timeseries

    from grafana.board import Board


def fill(board: Board) -> None:
    """Put the panels in their places."""
    for panel in (not_answering(), asked(), failing(), unhandled(), slowest(), firing()):
        board.add(panel, 4, 4)
    board.add(alerts(), 24, 5)
    board.row("Requests")
    board.add(requests.requests(), 12, 8)
    board.add(requests.answers(), 12, 8)
    board.add(requests.request_time(), 8, 8)
    board.add(requests.slow_routes(), 8, 8)
    board.add(requests.errors(), 8, 8)
    board.row("Predictions")
    board.add(requests.prediction_time(), 12, 8)
    board.add(requests.predictions(), 12, 8)
    board.row("What it uses")
    board.add(cpu(), 12, 8)
    board.add(memory(), 12, 8)


def not_answering() -> stat.Panel:
    """Return how many of the chosen do not answer."""
    panel = panels.number(
        "Not answering",
        "Applications that Prometheus could not scrape just now. Good: 0. Which they are stands below; runbook "
        "AppDown.",
        style.COUNT,
        now(f"count({select('up')} == 0) or 0 * count({select('up')})"),
    )
    return panels.signal(panel, (1, style.CRITICAL))


def asked() -> stat.Panel:
    """Return how much is asked."""
    return panels.number(
        "Requests",
        "Requests a minute, over 5 minutes. Good: what you are used to. None at all can mean that nobody gets through.",
        style.A_MINUTE,
        now(f"60 * sum(rate({select(requests.ASKED)}[5m]))"),
        decimals=1,
    )


def failing() -> stat.Panel:
    """Return the share of requests that failed by the application's fault."""
    failed = select(requests.ASKED, 'status=~"5.."')
    panel = panels.number(
        "Failed",
        "Share of the requests of the last 5 minutes that were answered with 5xx: the application's fault, not the "
        'caller\'s. Good: 0 %. "Errors" names the route.',
        style.RATIO,
        now(f"(sum(rate({failed}[5m])) or vector(0)) / (sum(rate({select(requests.ASKED)}[5m])) > 0)"),
        decimals=1,
    )
    return panels.signal(panel, (0.001, style.WARNING), (0.05, style.CRITICAL))


def unhandled() -> stat.Panel:
    """Return how many exceptions nobody had expected."""
    panel = panels.number(
        "Unhandled errors",
        "Requests of the last 10 minutes that ended in an exception the application did not expect. Good: 0. The "
        "traceback stands in its log; runbook AppUnhandledErrors.",
        style.COUNT,
        now(f"sum(increase({requests.EXCEPTIONS}[10m]))"),
    )
    return panels.signal(panel, (0.5, style.CRITICAL))


def slowest() -> stat.Panel:
    """Return the time within which nearly all requests are answered."""
    return panels.number(
        "95 % answered within",
        "Time within which 95 of 100 requests of the last 5 minutes were answered, reckoned from a histogram. Good: "
        'below what a user waits for, 0.5 s. "Slow routes" says which are slower.',
        style.SECONDS,
        now(f"{requests.quantile(0.95, requests.REQUEST_TIME, '5m')} > 0"),
        decimals=2,
    )


def firing() -> stat.Panel:
    """Return how many alerts fire."""
    panel = panels.number(
        "Alerts firing",
        "Alerts of the chosen applications that fire. Good: 0. Which they are stands below; what to do about each, on "
        "the status page under Runbooks.",
        style.COUNT,
        now(f"count({style.firing(select('ALERTS'))}) or 0 * count({select('up')})"),
    )
    return panels.signal(panel, (1, style.CRITICAL))


def alerts() -> statetimeline.Panel:
    """Return which alerts fired when."""
    answered = f"min_over_time({select('up')}[$__interval])"
    panel = panels.timeline(
        "Alerts",
        "Whether each application answered, and below it each alert while it fired. Good: green lines only. Look at "
        "the graphs below at the same time to see what happened.",
        over_time(f"2 * (1 - max by (instance) ({answered}))", "{{instance}}"),
        over_time(f"max by (alertname, instance) ({style.fired(select('ALERTS'))})", "{{alertname}} {{instance}}", "B"),
    )
    return panel.mappings(
        style.words({"0": ("well", style.OK), "1": ("warning", style.WARNING), "2": ("critical", style.CRITICAL)})
    )


def cpu() -> timeseries.Panel:
    """Return the CPU of each instance."""
    seconds = select("process_cpu_seconds_total")
    return _used(
        "CPU",
        "Cores in use, the five busiest. Good: below the number of CPUs that it may use; at that number requests wait.",
        style.COUNT,
        f"rate({seconds}[$__rate_interval]) and topk(5, increase({seconds}[$__range] @ end()))",
    ).decimals(2)


def memory() -> timeseries.Panel:
    """Return the memory of each instance."""
    held = select("process_resident_memory_bytes")
    return _used(
        "Memory in use",
        "Memory that it holds, the five largest. Good: steady after the first hour. A line that only rises is a leak.",
        style.BYTES,
        f"{held} and topk(5, max_over_time({held}[$__range] @ end()))",
    )


def _used(title: str, description: str, unit: str, expr: str) -> timeseries.Panel:
    panel = panels.graph(title, description, unit, over_time(expr, "{{instance}}"))
    return panel.legend(style.legend("mean", "max", sort="Max"))
