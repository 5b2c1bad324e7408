"""Prometheus metrics for a Flask application. Copy this file into yours; it only needs prometheus_client.

Call ``watch(app)`` after defining the routes: it adds /metrics. ``Predictions`` is for applications with a model.
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
    """Count and time the requests to ``app`` and serve the metrics on /metrics, which is not counted itself."""
    # The _created series would be a third of all series, and nothing here uses them.
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
            # Start at 0: Prometheus does not see a counter's increase if its first sample is already 1.
            errors.labels(method, route)
            requests.labels(method, route, "500")

    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        shown = registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # several worker processes keep their counters there
            shown = CollectorRegistry()
            MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
        return Response(encode(shown), content_type=content_type)

    def labels() -> tuple[str, str]:
        """Return method and route, if the application knows them: clients cannot create new series."""
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
    # Signals, not before_request and after_request: other hooks may end a request early or change its status later.
    request_started.connect(started, app, weak=False)
    request_finished.connect(finished, app, weak=False)
    got_request_exception.connect(failed, app, weak=False)
    return registry


class Predictions:
    """Times a model (``with predictions.seconds.time(): ...``) and counts its predictions by outcome."""

    def __init__(self, registry: CollectorRegistry, outcomes: Sequence[str] = ("prediction",)) -> None:
        self.seconds = Histogram("prediction_duration_seconds", "Time to predict.", registry=registry, buckets=BUCKETS)
        self.outcomes = Counter("predictions", "Prediction requests, by outcome.", ["outcome"], registry=registry)
        for outcome in outcomes:
            self.outcomes.labels(outcome)
