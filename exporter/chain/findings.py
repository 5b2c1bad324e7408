"""What is wrong with the chain, as findings: in plain words, each with the name of its alert."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.chain.firing import alarming, is_on_hold, is_ours, level_of, told
from exporter.chain.judge import FEW
from exporter.chain.prometheus import State
from exporter.findings import Finding
from exporter.thresholds import Level

if TYPE_CHECKING:
    from exporter.chain.watch import View

STATES = {
    State.SILENT: ("PrometheusDown", Level.CRITICAL, "does not answer"),
    State.STARTING: ("PrometheusDown", Level.WARNING, "is starting"),
    State.CLOSED: ("PrometheusDown", Level.WARNING, "asks for a password, so nobody knows how it is"),
    State.RESTARTING: ("PrometheusDown", Level.CRITICAL, "keeps restarting"),
    State.NOT_EVALUATING: ("PrometheusDown", Level.CRITICAL, "evaluates no alerts"),
    State.NOT_STORING: ("PrometheusNotStoring", Level.CRITICAL, "stores nothing"),
}
UNSENT = ("AlertmanagerNotificationsFailing", "AlertmanagerNotificationsHanging")


def findings(view: View, now: float | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with Prometheus, Alertmanager and the emails, worst first. ``now`` is Unix time."""
    moment = time.time() if now is None else now
    found: list[Finding] = []
    if view.state in STATES and view.failures >= FEW:
        kind, level, reason = STATES[view.state]
        found.append(Finding(kind, level, "Prometheus", reason=reason))
    if view.overdue:
        reason = "has not been looked at for minutes"
        found.append(Finding("PrometheusDown", Level.WARNING, "Prometheus", reason=reason))
    if view.deaf >= FEW:
        found.append(Finding("PrometheusAlertmanagerMissing", Level.CRITICAL, "Alertmanager", reason="does not answer"))
    seen = {finding.kind for finding in found}
    ours = [alert for alert in alarming(view.alerts) if is_ours(alert, view.hostname)]
    if not found and not any(is_on_hold(alert) for alert in ours):
        # Nothing else says why no email comes.
        ours += [alert for alert in view.alerts if is_on_hold(alert)]
    said: dict[str, Finding] = {}
    for alert in sorted(ours, key=level_of):
        if alert["labels"]["alertname"] not in seen and not view.muted.silences(alert["labels"]):
            # Both alerts about emails say the same, and so may two servers of a pair.
            said[_summary(alert)] = _finding(alert, view, moment)
    return tuple(sorted([*found, *said.values()], key=lambda each: (each.over, -each.level)))


def _summary(alert: dict[str, Any]) -> str:
    labels = alert["labels"]
    if labels["alertname"] in UNSENT and labels.get("integration", "email") == "email":
        return "Emails cannot be sent"
    return str((alert.get("annotations") or {}).get("summary") or labels["alertname"])


def _finding(alert: dict[str, Any], view: View, now: float) -> Finding:
    annotations = (alert.get("annotations") or {}) | {"summary": _summary(alert)}
    found = told(alert | {"annotations": annotations}, now, seen=view.seen)
    return replace(found, what=found.reason, subject="", reason="")
