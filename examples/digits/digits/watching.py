"""Metrics of a Flask application for Prometheus. Copy this file into yours; it needs prometheus_client alone.

Call ``watch(app)`` after the routes: that adds /metrics. ``Predictions`` is for an application with a model in it.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, got_request_exception, request, request_finished, request_started
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Sequence

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
STARTED = "watching.started"


def watch(app: Flask, registry: CollectorRegistry | None = None) -> CollectorRegistry:
    """Count and time the requests of ``app`` and serve that at /metrics, which itself is not counted."""
    # When a counter was made is a third of all series, and nothing here reads it.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = registry or CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    ask = ["method", "route"]
    requests = Counter("http_requests", "Requests answered.", [*ask, "status"], registry=registry)
    seconds = Histogram("http_request_duration_seconds", "Time to answer.", ask, registry=registry, buckets=BUCKETS)
    errors = Counter("http_request_exceptions", "Requests that ended in an exception.", ask, registry=registry)
    rules = [(rule.rule, rule.methods or METHODS) for rule in app.url_map.iter_rules()]
    for route, methods in [*rules, ("none", METHODS)]:
        for method in methods:
            # 0 from the start: an increase from nothing to 1 would not be seen.
            errors.labels(method, route)
            requests.labels(method, route, "500")

    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        shown = registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # several workers: each writes its counters there
            shown = CollectorRegistry()
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        return Response(encode(shown), content_type=content_type)

    def labels() -> tuple[str, str]:
        """Only what the application knows: a client cannot invent new series."""
        return (
            request.method if request.method in METHODS else "other",
            request.url_rule.rule if request.url_rule else "none",
        )

    def started(_: Flask, **__: Any) -> None:
        request.environ[STARTED] = perf_counter()

    def finished(_: Flask, response: Response, **__: Any) -> None:
        if request.endpoint != "watching_metrics":
            requests.labels(*labels(), str(response.status_code)).inc()
            seconds.labels(*labels()).observe(perf_counter() - request.environ[STARTED])

    def failed(_: Flask, **__: Any) -> None:
        errors.labels(*labels()).inc()

    app.add_url_rule("/metrics", "watching_metrics", metrics)
    # Signals and not before_request: other hooks may end a request before this one's turn, and change its status after.
    request_started.connect(started, app, weak=False)
    request_finished.connect(finished, app, weak=False)
    got_request_exception.connect(failed, app, weak=False)
    return registry


class Predictions:
    """Times a model (``with predictions.seconds.time(): ...``) and counts what came of it, by outcome."""

    def __init__(self, registry: CollectorRegistry, outcomes: Sequence[str] = ("prediction",)) -> None:
        self.seconds = Histogram("prediction_duration_seconds", "Time to predict.", registry=registry, buckets=BUCKETS)
        self.outcomes = Counter("predictions", "Predictions asked for, by outcome.", ["outcome"], registry=registry)
        for outcome in outcomes:
            self.outcomes.labels(outcome)
