"""Beside its links, the page shows which alerts fire, or that Prometheus is not answering."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from exporter.web.alerts import FiringAlerts, firing
from tests.support import Exporter
from tests.tools.ports import free_port
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator


def alert(name: str, severity: str = "critical", state: str = "firing") -> dict[str, object]:
    return {"labels": {"alertname": name, "severity": severity}, "state": state}


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ([], ""),
        ([alert("Watchdog", "none"), alert("HostRebooted", "info"), alert("A", state="pending")], ""),
        ([alert("A"), alert("A", "warning"), alert("Watchdog", "none")], "1 firing: A"),
        ([alert(name) for name in "DCBA"], "4 firing: A, B, C, ..."),
    ],
)
def test_firing_alerts_are_named(alerts: list[object], words: str) -> None:
    assert firing({"data": {"alerts": alerts}}) == words


@contextmanager
def prometheus(body: bytes, delay: float = 0) -> Iterator[str]:
    """A server with one fixed response."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(delay)
            self.send_response(200 if self.path == "/api/v1/alerts" else 404)
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as address:
        yield f"http://{address}"


def settled(alerts: FiringAlerts) -> str:
    alerts.words()
    with alerts._asking:
        return alerts._words


@pytest.mark.parametrize("body", [b"", b"nonsense", b"{}", b"[]", b'{"data": {"alerts": [{}]}}'])
def test_nonsense_counts_as_not_answering(body: bytes) -> None:
    with prometheus(body) as url:
        assert settled(FiringAlerts(url)) == "not answering"


def test_a_slow_prometheus_does_not_delay_the_page() -> None:
    with prometheus(b"{}", delay=1) as url:
        alerts = FiringAlerts(url)
        start = time.monotonic()
        assert [alerts.words() for _ in range(50)] == [""] * 50
        assert time.monotonic() - start < 0.9
        assert len([t for t in threading.enumerate() if t.name == "alerts"]) == 1
        assert settled(alerts) == "not answering"


@pytest.mark.parametrize("flags", [(), ("--prometheus-url", "none")], ids=["with a link", "without a link"])
def test_the_page_shows_firing_alerts_beside_the_link(flags: tuple[str, ...]) -> None:
    body = json.dumps({"data": {"alerts": [alert("AlertmanagerNotificationsFailing")]}}).encode()
    with prometheus(body) as url, Exporter("--alerts-url", url, *flags) as exporter:
        exporter.get("/")
        time.sleep(0.5)
        assert "1 firing: AlertmanagerNotificationsFailing" in exporter.get("/").text


def test_without_an_address_no_prometheus_is_queried() -> None:
    with Exporter() as exporter:
        exporter.get("/")
        time.sleep(0.3)
        assert "not answering<" not in exporter.get("/").text.partition("<footer>")[2]


def test_the_page_shows_that_prometheus_is_gone() -> None:
    with Exporter("--alerts-url", f"http://127.0.0.1:{free_port()}") as exporter:
        exporter.get("/")
        time.sleep(0.5)
        assert "not answering" in exporter.get("/").text.partition("<footer>")[2]
