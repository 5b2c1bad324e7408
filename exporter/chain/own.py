"""The alerts that the exporter posts itself, in the words of the email."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from exporter.chain.prometheus import State

DOWN = "PrometheusDown"
RUNBOOK = "http://localhost:5000/runbooks#prometheusdown"
# What Alertmanager mails if the exporter stops too and PrometheusDown runs out. It must not read as good news.
LOST = {
    "unresolved": "yes",
    "resolved_summary": "Prometheus was down, and now the exporter that watched it has stopped too",
    "resolved_description": "Since then nothing on this machine knows whether Prometheus runs. No email may mean that "
    "nobody is looking.",
}
SILENT = {
    "summary": "Prometheus is not responding",
    "description": "No alert is evaluated until it is back: whatever happens to your machines now, no email will tell "
    "you. Alerts that were firing stay open until Prometheus can tell whether they are over.",
    "next_step": "Start it again (docker compose up -d --wait prometheus). If it does not start, read its log.",
}
STORES_NOTHING = {
    "summary": "Prometheus stores nothing",
    "description": "It responds, but has stored no sample for minutes, so alerts are evaluated without data: whatever "
    "happens to your machines now, no email will tell you. Alerts that were firing stay open until Prometheus can tell "
    "whether they are over.",
    "next_step": "Check the disk of Prometheus (docker system df -v, df -h) and read its log.",
}
RESTARTS = {
    "summary": "Prometheus keeps restarting",
    "description": "It has been started three times within 15 minutes. Alerts need it to run for some minutes: "
    "whatever happens to your machines now, no email will tell you. Alerts that were firing stay open until it has run "
    "for a while.",
    "next_step": "Read the end of its log (docker compose logs prometheus), and check memory and disk.",
}
EVALUATES_NOTHING = {
    "summary": "Prometheus evaluates no alerts",
    "description": "It responds and stores samples, but its alert rules are gone or stand still: whatever happens to "
    "your machines now, no email will tell you. Alerts that were firing stay open until they are evaluated again.",
    "next_step": "Check alerts.yml (promtool check rules), then restart Prometheus. Its page /rules shows what it has.",
}
WORDS = {
    State.NOT_STORING: STORES_NOTHING,
    State.RESTARTING: RESTARTS,
    State.NOT_EVALUATING: EVALUATES_NOTHING,
}
BACK = {
    "resolved_summary": "Prometheus is back",
    "resolved_description": "Alerts are evaluated again. If one that was firing has ended meanwhile, an email says so "
    "in a few minutes.",
}


def moment(seconds: float) -> str:
    """Return Unix time as Alertmanager takes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


class OwnAlert:
    """An alert that stands while it is posted again and again; ``since`` is empty if it does not. In Unix time."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.since = ""
        self._annotations: dict[str, str] = {}

    def begin(self, annotations: dict[str, str], since: str) -> None:
        """Set what it says and, unless it stands already, since when."""
        self._annotations = annotations
        self.since = self.since or since

    def standing(self, ends: float) -> dict[str, Any]:
        """Return it as firing until ``ends``."""
        return self._alert(self._annotations, ends)

    def ended(self, seconds: float, annotations: dict[str, str]) -> dict[str, Any]:
        """Return it as over, with the words for that."""
        kept = {key: text for key, text in self._annotations.items() if key not in LOST}
        return self._alert({**kept, **annotations}, seconds)

    def _alert(self, annotations: dict[str, str], ends: float) -> dict[str, Any]:
        return {"labels": self.labels, "annotations": annotations, "startsAt": self.since, "endsAt": moment(ends)}


def prometheus_down(hostname: str) -> OwnAlert:
    """Return the alert that Prometheus is down; it carries the name of this machine, for the subject."""
    return OwnAlert({"alertname": DOWN, "severity": "critical", "job": "prometheus", "hostname": hostname})


def words_of_down(state: State) -> dict[str, str]:
    """Return the annotations of PrometheusDown in a state of Prometheus."""
    return {**WORDS.get(state, SILENT), **LOST, "runbook_url": RUNBOOK}
