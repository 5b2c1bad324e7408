"""What is wrong with the chain, as findings: in plain words, each with the name of its alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.chain.judge import FEW
from exporter.chain.prometheus import State
from exporter.findings import Finding
from exporter.sources.host import printable
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

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
CHAIN = ("Prometheus", "Alertmanager", "Monitoring")
"""How the names of alerts about the monitoring itself begin."""
NOT_ALARMING = frozenset({"none", "info"})


def findings(view: View) -> tuple[Finding, ...]:
    """Return what is wrong with Prometheus, Alertmanager and the emails, worst first."""
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
    said = [_finding(alert) for alert in _firing(view.alerts) if _is_ours(alert, view.hostname)]
    # Both alerts about emails say the same, and so may two servers of a pair.
    different = {(finding.what, finding.reason): finding for finding in said if finding.kind not in seen}
    return tuple(sorted([*found, *different.values()], key=lambda each: -each.level))


def words(view: View) -> str:
    """Return what stands beside the link to Prometheus: "2 firing: HostHighCpu, HostHighMemory", "not answering"."""
    if view.failures and view.state < State.RESTARTING:
        return {State.STARTING: "starting", State.CLOSED: "asks for a password"}.get(view.state, "not answering")
    names = sorted({printable(str(alert["labels"]["alertname"])) for alert in _firing(view.alerts)})
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} firing: {shown}" if names else ""


def _is_ours(alert: dict[str, Any], hostname: str) -> bool:
    """Return whether an alert is about the monitoring here, rather than about a machine or about another one's disk."""
    labels = alert["labels"]
    elsewhere = labels.get("job") == "host" and labels.get("hostname") != hostname
    return labels["alertname"].startswith(CHAIN) and not elsewhere


def _firing(alerts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [a for a in alerts if a["state"] == "firing" and a["labels"].get("severity") not in NOT_ALARMING]


def _finding(alert: dict[str, Any]) -> Finding:
    labels = alert["labels"]
    name = labels["alertname"]
    level = Level.CRITICAL if labels.get("severity") == "critical" else Level.WARNING
    if name in UNSENT and labels.get("integration", "email") == "email":
        return Finding(name, level, "Emails", reason="cannot be sent")
    summary = (alert.get("annotations") or {}).get("summary") or name
    return Finding(printable(str(name)), level, printable(str(summary)))
