"""Queries for alerts, by the selector of ALERTS for the machines that are shown."""

from __future__ import annotations

from grafana.colours import CRITICAL, INFO, OK, WARNING

LEVELS = {"0": ("well", OK), "1": ("warning", WARNING), "2": ("critical", CRITICAL), "3": ("info", INFO)}
"""What the values of ``fired`` mean, and their colours."""


def firing(alerts: str, severity: str = "warning|critical") -> str:
    """Return the query for firing alerts as a person counts them: a critical alert and its warning are one.

    ``alerts`` is the selector of ALERTS for the selected machines.
    """
    chosen = alerts.replace("}", f', alertstate="firing", severity=~"{severity}"}}')
    return f"count by (job, instance, alertname, device, mountpoint, collector, file, exported_job) ({chosen})"


def fired(alerts: str) -> str:
    """Return the query for alerts over time: 1 warning, 2 critical, 3 info; also those that fired between two steps.

    ``alerts`` is the selector of ALERTS for the selected machines.
    """

    def one(severity: str) -> str:
        chosen = alerts.replace("}", f', alertstate="firing", severity="{severity}"}}')
        return f"max_over_time({chosen}[$__interval])"

    return f"2 * {one('critical')} or {one('warning')} or 3 * {one('info')}"
