"""Panels of Application: what is requested, with what result, and how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common as ui
from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import over_time, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus, timeseries

ASKED = "http_requests_total"
REQUEST_TIME = "http_request_duration_seconds_bucket"
PREDICTION_TIME = "prediction_duration_seconds_bucket"
EXCEPTIONS = select("http_request_exceptions_total")
WINDOW = "WINDOW"
SLOW = 2
"""Seconds above which a prediction is slow, as in alerts.yml."""


def requests() -> timeseries.Panel:
    """Return the request rate by route."""
    panel = panels.graph(
        "Requests by route",
        "Requests per minute for the five busiest routes. Good: the shape of an ordinary day. A sudden peak is a "
        "crawler or an attack; a gap is an outage, here or upstream.",
        style.A_MINUTE,
        *top_routes(f"60 * sum by (method, route) (rate({select(ASKED)}[{WINDOW}]))"),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max", sort="Mean", beside=True))


def answers() -> timeseries.Panel:
    """Return the responses by status class."""

    def kind(first: str, ref: str) -> prometheus.Dataquery:
        answered = select(ASKED, f'status=~"{first}.."')
        return over_time(f"60 * sum(rate({answered}[$__rate_interval]))", f"{first}xx", ref)

    panel = panels.graph(
        "Responses",
        "Requests per minute by response: success (2xx), redirect (3xx), caller's mistake (4xx), failure here (5xx). "
        "Good: green with a little yellow. Many 4xx: a broken client, or somebody probing for weaknesses.",
        style.A_MINUTE,
        *(kind(first, ref) for first, ref in zip("2345", "ABCD", strict=True)),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max", beside=True))


def request_time() -> timeseries.Panel:
    """Return how long requests take."""
    return durations(
        "Request duration",
        "Time within which half, 95 and 99 of 100 requests were answered. Good: flat. If all three rise, the machine "
        "is busy; if only the last does, a few requests wait for something.",
        REQUEST_TIME,
    )


def slow_routes() -> timeseries.Panel:
    """Return which routes are slow."""
    panel = panels.graph(
        "Slow routes",
        "Time within which 95 of 100 requests were answered, for the five slowest routes. Good: flat, and always the "
        "same names. If one route climbs, look at its last change or at what only it depends on.",
        style.SECONDS,
        *top_routes(quantile(0.95, REQUEST_TIME, WINDOW, "method", "route")),
    )
    return panel.legend(style.legend("mean", "max", sort="Max", beside=True)).fill_opacity(0)


def errors() -> timeseries.Panel:
    """Return unhandled exceptions by route."""
    panel = panels.graph(
        "Errors",
        "Unhandled exceptions by route, the five most frequent. Good: no data, because there are none. One route: "
        "look at its last change. All routes: something that they all need is gone. See runbook AppUnhandledErrors.",
        style.COUNT,
        *top_routes(f"sum by (method, route) (increase({EXCEPTIONS}[{WINDOW}]))", "> 0"),
    )
    return panel.legend(style.legend("max", sort="Max", beside=True)).axis_soft_max(1)


def prediction_time() -> timeseries.Panel:
    """Return how long predictions take."""
    limit = over_time(f"{SLOW} + 0 * max({select('up')})", "limit", "D")
    panel = durations(
        "Prediction duration",
        "Time spent in the model alone: half, 95 and 99 of 100 predictions are faster. Good: flat, far below the "
        "dashed line, above which the alert fires. See runbook AppSlowPrediction.",
        PREDICTION_TIME,
        limit,
    )
    # A logarithmic axis has room for milliseconds and for the limit, which is a line: only lines stretch this axis.
    panel = panel.scale_distribution(ui.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10))
    return panels.dashed(panel.min(0.001), "limit")


def predictions() -> timeseries.Panel:
    """Return predictions by outcome."""
    ours = style.words_of("outcome")
    known, others = select("predictions_total", f'outcome=~"{ours}"'), select("predictions_total", f'outcome!~"{ours}"')
    most = f"sum by (outcome) ({style.in_range('increase', others)})"
    panel = panels.graph(
        "Predictions",
        'Predictions per minute by outcome. Good: mostly "prediction". More "uncertain" than before: the input no '
        'longer looks like the training data. "refused": the input could not be read at all.',
        style.A_MINUTE,
        over_time(f"60 * sum by (outcome) (rate({known}[$__rate_interval]))", "{{outcome}}"),
        # An application may have other words.
        *style.ranked(
            f"60 * sum by (outcome) (rate({others}[$__rate_interval]))",
            "outcome",
            "{{outcome}}",
            "B",
            (3, most),
            first=3,
        ),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max", beside=True))


def durations(title: str, description: str, buckets: str, *lines: prometheus.Dataquery) -> timeseries.Panel:
    """Return three quantiles of a histogram, and other lines."""
    panel = panels.graph(
        title,
        description,
        style.SECONDS,
        over_time(quantile(0.5, buckets, "$__rate_interval"), "50 % within", "A"),
        over_time(quantile(0.95, buckets, "$__rate_interval"), "95 % within", "B"),
        over_time(quantile(0.99, buckets, "$__rate_interval"), "99 % within", "C"),
        *lines,
    )
    return panel.legend(style.legend("mean", "max", beside=True)).fill_opacity(0)


def quantile(share: float, buckets: str, window: str, *labels: str) -> str:
    """Return the query for a quantile, by these labels."""
    by = ", ".join(("le", *labels))
    return f"histogram_quantile({share}, sum by ({by}) (rate({select(buckets)}[{window}])))"


def top_routes(over: str, compared: str = "") -> list[prometheus.Dataquery]:
    """Return the queries for the five top routes in the time range, the same five at every step.

    ``over`` is the query by method and route, with WINDOW as a placeholder for its window. ``compared`` is what their
    value for the whole time range must be.
    """
    now_and_then, whole = over.replace(WINDOW, "$__rate_interval"), over.replace(f"[{WINDOW}]", "[$__range] @ end()")
    most = f"({whole} {compared})" if compared else whole
    return style.ranked(now_and_then, "method, route", "{{method}} {{route}}", "A", (5, most))
