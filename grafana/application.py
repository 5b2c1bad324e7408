"""Dashboard Application: whether an application of one's own is well, what it is asked, and what is slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common as ui
from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import now, over_time, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries

    from grafana.board import Board

REQUESTS = "http_requests_total"
REQUEST_TIME = "http_request_duration_seconds_bucket"
PREDICTION_TIME = "prediction_duration_seconds_bucket"
EXCEPTIONS = select("http_request_exceptions_total")
WINDOW = "WINDOW"
SLOW = 2
"""Seconds from which a prediction is slow, as alerts.yml has it."""


def fill(board: Board) -> None:
    """Put the panels in their places."""
    for panel in (not_answering(), asked(), failing(), unhandled(), slowest(), firing()):
        board.add(panel, 4, 4)
    board.add(alerts(), 24, 5)
    board.row("Requests")
    board.add(requests(), 12, 8)
    board.add(answers(), 12, 8)
    board.add(request_time(), 8, 8)
    board.add(slow_routes(), 8, 8)
    board.add(errors(), 8, 8)
    board.row("Predictions")
    board.add(prediction_time(), 12, 8)
    board.add(predictions(), 12, 8)
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
        now(f"60 * sum(rate({select(REQUESTS)}[5m]))"),
        decimals=1,
    )


def failing() -> stat.Panel:
    """Return the share of requests that failed by the application's fault."""
    failed = select(REQUESTS, 'status=~"5.."')
    panel = panels.number(
        "Failed",
        "Share of the requests of the last 5 minutes that were answered with 5xx: the application's fault, not the "
        'caller\'s. Good: 0 %. "Errors" names the route.',
        style.RATIO,
        now(f"(sum(rate({failed}[5m])) or vector(0)) / (sum(rate({select(REQUESTS)}[5m])) > 0)"),
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
        now(f"sum(increase({EXCEPTIONS}[10m]))"),
    )
    return panels.signal(panel, (0.5, style.CRITICAL))


def slowest() -> stat.Panel:
    """Return the time within which nearly all requests are answered."""
    return panels.number(
        "95 % answered within",
        "Time within which 95 of 100 requests of the last 5 minutes were answered, reckoned from a histogram. Good: "
        'below what a user waits for, 0.5 s. "Slow routes" says which are slower.',
        style.SECONDS,
        now(f"{quantile(0.95, REQUEST_TIME, '5m')} > 0"),
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


def requests() -> timeseries.Panel:
    """Return what is asked, by route."""
    panel = panels.graph(
        "Requests by route",
        "Requests a minute of the five routes asked most. Good: the shape of an ordinary day. A peak from nowhere is a "
        "crawler or an attack; a hole is an outage, here or before it.",
        style.A_MINUTE,
        over_time(
            f"60 * {top_routes(f'sum by (method, route) (rate({select(REQUESTS)}[{WINDOW}]))')}", "{{method}} {{route}}"
        ),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max", sort="Mean"))


def answers() -> timeseries.Panel:
    """Return how requests were answered."""

    def kind(first: str, ref: str) -> prometheus.Dataquery:
        answered = select(REQUESTS, f'status=~"{first}.."')
        return over_time(f"60 * sum(rate({answered}[$__rate_interval]))", f"{first}xx", ref)

    panel = panels.graph(
        "Answers",
        "Requests a minute by how they were answered: done (2xx), sent elsewhere (3xx), wrong on the caller's side "
        "(4xx), failed here (5xx). Good: green, a little yellow. Many 4xx: a broken client, or somebody tries doors.",
        style.A_MINUTE,
        *(kind(first, ref) for first, ref in zip("2345", "ABCD", strict=True)),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max"))


def request_time() -> timeseries.Panel:
    """Return how long requests take."""
    return durations(
        "Time of a request",
        "Time within which half, 95 and 99 of 100 requests were answered. Good: flat. All three rising: the machine is "
        "busy; only the last: a few requests wait for something.",
        REQUEST_TIME,
    )


def slow_routes() -> timeseries.Panel:
    """Return which routes are slow."""
    panel = panels.graph(
        "Slow routes",
        "Time within which 95 of 100 requests were answered, for the five slowest routes. Good: flat, and the same "
        "names as ever. A route that climbs by itself: the last change there, or what only it needs.",
        style.SECONDS,
        over_time(top_routes(quantile(0.95, REQUEST_TIME, WINDOW, "method", "route")), "{{method}} {{route}}"),
    )
    return panel.legend(style.legend("mean", "max", sort="Max")).fill_opacity(0).decimals(2)


def errors() -> timeseries.Panel:
    """Return unhandled exceptions by route."""
    panel = panels.graph(
        "Errors",
        "Unhandled exceptions by route, the five most frequent. Good: 0 everywhere. One route: the last change there; "
        "all of them: what they all need is gone. Runbook AppUnhandledErrors.",
        style.COUNT,
        over_time(top_routes(f"sum by (method, route) (increase({EXCEPTIONS}[{WINDOW}]))"), "{{method}} {{route}}"),
    )
    return panel.legend(style.legend("max")).axis_soft_max(1)


def prediction_time() -> timeseries.Panel:
    """Return how long predictions take."""
    panel = durations(
        "Time of a prediction",
        "Time that the model alone takes: half, 95 and 99 of 100 are faster. Good: flat, far below the dashed line, "
        "from which there is an alert. Runbook AppSlowPrediction.",
        PREDICTION_TIME,
    )
    lines = ui.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(style.limits((SLOW, style.WARNING), base="transparent")).thresholds_style(lines)


def predictions() -> timeseries.Panel:
    """Return what became of predictions."""
    outcomes = select("predictions_total")
    panel = panels.graph(
        "Predictions",
        'Predictions a minute by outcome. Good: mostly "prediction". More "uncertain" than before: what is asked no '
        'longer looks like what the model was trained with; "refused" was not readable at all.',
        style.A_MINUTE,
        over_time(f"60 * sum by (outcome) (rate({outcomes}[$__rate_interval]))", "{{outcome}}"),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max"))


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


def durations(title: str, description: str, buckets: str) -> timeseries.Panel:
    """Return three quantiles of a histogram."""
    panel = panels.graph(
        title,
        description,
        style.SECONDS,
        over_time(quantile(0.5, buckets, "$__rate_interval"), "half within", "A"),
        over_time(quantile(0.95, buckets, "$__rate_interval"), "95 % within", "B"),
        over_time(quantile(0.99, buckets, "$__rate_interval"), "99 % within", "C"),
    )
    return panel.legend(style.legend("mean", "max")).fill_opacity(0).decimals(2)


def quantile(share: float, buckets: str, window: str, *labels: str) -> str:
    """Return the query of the time within which that share was done, by these labels."""
    by = ", ".join(("le", *labels))
    return f"histogram_quantile({share}, sum by ({by}) (rate({select(buckets)}[{window}])))"


def top_routes(over: str) -> str:
    """Return the query of the five routes with the most in the chosen time, the same ones at every moment of it.

    ``over`` is the query by method and route, with WINDOW for its window.
    """
    now_and_then, whole = over.replace(WINDOW, "$__rate_interval"), over.replace(f"[{WINDOW}]", "[$__range] @ end()")
    return f"({now_and_then} and on (method, route) topk(5, {whole}))"
