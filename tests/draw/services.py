"""The invented hour of the monitoring stack and of an application: what their dashboards ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.draw.world import STEP, TIMES, Line, counter, gauge, noisy, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
ROUTES = (("GET", "/", 0.006, 0.4), ("GET", "/static/<path:filename>", 0.003, 0.9), ("POST", "/api/predict", 0.09, 0.7))
PLACES = {"prometheus": "localhost:9090", "alertmanager": "alertmanager:9093", "grafana": "grafana:3000"}
COSTS = {"prometheus": (0.012, 1.6e8), "alertmanager": (0.002, 4.1e7), "grafana": (0.008, 1.3e8), "app": (0.08, 2.1e8)}
APPLICATION = {"instance": "digits:8000", "job": "app"}


def lines() -> Iterator[Line]:
    """Yield all series of Prometheus, Alertmanager, Grafana and the application."""
    places = {job: {"instance": instance, "job": job} for job, instance in PLACES.items()} | {"app": APPLICATION}
    for job, where in places.items():
        cpu, memory = COSTS[job]
        yield Line("up", where, [1.0] * len(TIMES))
        yield Line("scrape_duration_seconds", where, gauge(noisy(job, 0.008, 0.002)))
        yield Line("scrape_samples_scraped", where, [420.0] * len(TIMES))
        yield Line("process_cpu_seconds_total", where, counter(noisy(f"{job} cpu", cpu, cpu / 4)))
        yield Line("process_resident_memory_bytes", where, gauge(noisy(f"{job} memory", memory, memory / 50)))
    yield from _prometheus(places["prometheus"])
    yield from _alertmanager(places["alertmanager"])
    yield from _application()


def _prometheus(where: dict[str, str]) -> Iterator[Line]:
    for group, seconds in (("host usage", 0.004), ("host overview", 0.001), ("host", 0.006), ("monitoring", 0.005)):
        labels = where | {"rule_group": f"/etc/prometheus/alerts.yml;{group}"}
        yield Line("prometheus_rule_group_last_duration_seconds", labels, gauge(noisy(group, seconds, seconds / 4)))
        yield Line("prometheus_rule_evaluations_total", labels, counter(noisy(f"{group} rules", 1.2, 0.01)))
        yield Line("prometheus_rule_evaluation_failures_total", labels, [0.0] * len(TIMES))
    still = {"notifications_errors_total": 0.0, "tsdb_retention_limit_bytes": 8.6e9, "tsdb_storage_blocks_bytes": 1.9e9}
    for name, value in still.items():
        yield Line(f"prometheus_{name}", where, [value] * len(TIMES))
    yield Line("prometheus_tsdb_lowest_timestamp_seconds", where, [TIMES[-1] - 62 * 86400.0] * len(TIMES))
    yield Line("prometheus_tsdb_wal_storage_size_bytes", where, [4e7 + 900.0 * STEP * n for n in range(len(TIMES))])
    yield Line("prometheus_tsdb_head_series", where, gauge(noisy("series", 5200, 30)))
    yield Line("prometheus_tsdb_head_samples_appended_total", where, counter(noisy("samples", 350, 4)))


def _alertmanager(where: dict[str, str]) -> Iterator[Line]:
    for integration in ("email", "webhook"):
        labels = where | {"integration": integration, "receiver_name": "owner"}
        sends = steps(lambda _: 0.0, (13, 14, 1 / 60), (26, 28, 1 / 60), (43, 48, 1 / 60))
        yield Line("alertmanager_notification_requests_total", labels, counter(sends))
        yield Line("alertmanager_notification_requests_failed_total", labels, [0.0] * len(TIMES))


def _application() -> Iterator[Line]:
    for method, route, seconds, pace in ROUTES:
        labels = APPLICATION | {"method": method, "route": route}
        for status, share in (("200", 0.93), ("304", 0.05), ("404", 0.02)):
            rate = noisy(f"{route}{status}", pace * share, pace * share / 3)
            yield Line("http_requests_total", labels | {"status": status}, counter(rate))
        fails = 1 / 40 if route == "/api/predict" else 0.0
        yield Line("http_request_exceptions_total", labels, counter(steps(lambda _: 0.0, (30, 33, fails))))
        yield from _histogram("http_request_duration_seconds", labels, seconds, pace)
    for outcome, pace in (("prediction", 0.6), ("uncertain", 0.08), ("refused", 0.02)):
        yield Line("predictions_total", APPLICATION | {"outcome": outcome}, counter(noisy(outcome, pace, pace / 3)))
    yield from _histogram("prediction_duration_seconds", APPLICATION, 0.08, 0.7)


def _histogram(name: str, labels: dict[str, str], typical: float, pace: float) -> Iterator[Line]:
    for bound in (*BUCKETS, float("inf")):
        share = 1 - 0.5 ** (bound / typical) if bound < float("inf") else 1.0
        values = counter(noisy(f"{name}{labels.get('route')}", pace, pace / 3), 0)
        text = "+Inf" if bound == float("inf") else str(bound)
        yield Line(f"{name}_bucket", labels | {"le": text}, [value * share for value in values])
