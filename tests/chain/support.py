"""A Prometheus and an Alertmanager that answer as a test tells them to, and what both list."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import ExitStack
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from tests.tools.web import serving

Alert = dict[str, Any]


def listed(name: str, state: str = "firing", severity: str = "warning", **labels: str) -> Alert:
    """Return an alert as Prometheus lists it."""
    labels = {"alertname": name, "severity": severity, **({"job": "host", "instance": "a:1"} | labels)}
    return {"labels": labels, "annotations": {"summary": f"{name} is wrong", "description": "d"}, "state": state}


def sent(name: str, severity: str = "warning", *, rule: bool = True, updated: str = "1", **labels: str) -> Alert:
    """Return an alert as Alertmanager lists it: with an external label."""
    alert = listed(name, severity=severity, **labels)
    alert["labels"]["replica"] = "a"
    return alert | {
        "fingerprint": fingerprint(alert),
        "startsAt": "2026-01-01T00:00:00.000Z",
        "updatedAt": updated,
        "generatorURL": "http://localhost:9090/graph?g0.expr=x" if rule else "",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    }


SILENCED = {"status": {"state": "suppressed", "silencedBy": ["a"], "inhibitedBy": []}}
INHIBITED = {"status": {"state": "suppressed", "silencedBy": [], "inhibitedBy": ["b"]}}


def fingerprint(alert: Alert) -> str:
    return hashlib.sha256(json.dumps(alert["labels"], sort_keys=True).encode()).hexdigest()[:16]


class Fake:
    """A server on loopback. ``status`` other than 200 is an error; 0 hangs up without an answer."""

    def __init__(self) -> None:
        fake = self
        self.status = 200
        self.delay = 0.0
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(fake.get)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(lambda path: fake.post(path, body))

            def _answer(self, answer: Any) -> None:
                fake.asked += 1
                time.sleep(fake.delay)
                if fake.status == 0:
                    return
                body = answer(self.path) if fake.status == 200 else b"no"
                self.send_response(fake.status if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

        self._handler = Handler
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.url = f"http://{self._stack.enter_context(serving(self._handler))}"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def get(self, path: str) -> bytes | None:
        raise NotImplementedError

    def post(self, path: str, body: Any) -> bytes | None:
        raise NotImplementedError


class FakePrometheus(Fake):
    """``age``: of its newest sample of itself, ``age_of_any``: of any sample; None is no sample in 5 minutes."""

    def __init__(self, age: float | None = 5.0) -> None:
        super().__init__()
        self.age = age
        self.age_of_any: float | None = None
        self.alerts: list[Alert] = []
        self.body: bytes | None = None
        self.groups: list[Any] = []
        self.started = "2026-01-01T00:00:00Z"

    def get(self, path: str) -> bytes | None:
        if self.body is not None:
            return self.body
        if path == "/api/v1/alerts":
            return json.dumps({"status": "success", "data": {"alerts": self.alerts}}).encode()
        if path == "/api/v1/rules?type=alert":
            return json.dumps({"status": "success", "data": {"groups": self.groups}}).encode()
        if path == "/api/v1/status/runtimeinfo":
            return json.dumps({"status": "success", "data": {"startTime": self.started}}).encode()
        if path.startswith("/api/v1/query?"):
            age = self.age if "prometheus" in path else self.age_of_any
            result = [] if age is None else [{"metric": {}, "value": [time.time(), str(age)]}]
            return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        return None


class FakeAlertmanager(Fake):
    """Lists ``alerts`` and takes what is posted into them, as the real one does."""

    def __init__(self, *alerts: Alert) -> None:
        super().__init__()
        self.alerts = {alert["fingerprint"]: alert for alert in alerts}
        self.posts: list[list[Alert]] = []

    def get(self, path: str) -> bytes | None:
        if path == "/api/v2/alerts":
            return json.dumps(list(self.alerts.values())).encode()
        if path == "/api/v2/alerts?active=false":
            return json.dumps([a for a in self.alerts.values() if a["status"]["state"] != "active"]).encode()
        return None

    def post(self, path: str, body: Any) -> bytes | None:
        if path != "/api/v2/alerts":
            return None
        self.posts.append(body)
        for alert in body:
            key = fingerprint(alert)
            if ends(alert) > time.time():
                status = {"state": "active", "silencedBy": [], "inhibitedBy": []}
                self.alerts[key] = {"generatorURL": "", **alert, "fingerprint": key, "updatedAt": "2", "status": status}
            else:
                self.alerts.pop(key, None)
        return b""

    def names(self) -> set[str]:
        """Return the names of its active alerts."""
        return {alert["labels"]["alertname"] for alert in self.alerts.values()}

    def said(self, name: str) -> list[bool]:
        """Return of each time that an alert was posted whether it was firing."""
        return [ends(a) > time.time() for post in self.posts for a in post if a["labels"]["alertname"] == name]


def ends(alert: Alert) -> float:
    return datetime.fromisoformat(alert["endsAt"]).timestamp()
