"""Queries for alerts, by the selector of ALERTS for the machines that are shown."""

from __future__ import annotations

from grafana.colours import CRITICAL, INFO, OK, WARNING

SUBJECTS = "filesystem, pool, collector, file, exported_job, resource, kind, chip, sensor, serial"
"""The labels by which several alerts of one name on one machine differ, beside its device or mountpoint."""
NAMED = "{{alertname}} {{place}}{{pool}}{{collector}}{{file}}{{exported_job}}{{resource}}{{kind}}{{chip}} {{sensor}}"
"""The name of a bar. The serial number of a disk is left out: two of one name are there if the disk was replaced."""
LEVELS = {"0": ("well", OK), "1": ("warning", WARNING), "2": ("critical", CRITICAL), "3": ("info", INFO)}
"""What the values of ``fired`` mean, and their colours."""


def firing(alerts: str, severity: str = "warning|critical") -> str:
    """Return the query for firing alerts as a person counts them: a critical alert and its warning are one.

    ``alerts`` is the selector of ALERTS for the selected machines.
    """
    chosen = alerts.replace("}", f', alertstate="firing", severity=~"{severity}"}}')
    return f"count by (job, instance, alertname, device, mountpoint, {SUBJECTS}) ({chosen})"


def fired(alerts: str) -> str:
    """Return the query for alerts over time: 1 warning, 2 critical, 3 info; also those that fired between two steps.

    ``alerts`` is the selector of ALERTS for the selected machines.
    """

    def one(severity: str) -> str:
        chosen = alerts.replace("}", f', alertstate="firing", severity="{severity}"}}')
        return f"max_over_time({chosen}[$__interval])"

    return f"2 * {one('critical')} or {one('warning')} or 3 * {one('info')}"


def bars(alerts: str) -> str:
    """Return the query for the bars of a timeline: one for each thing that an alert fired about, with ``NAMED``.

    ``alerts`` is the selector of ALERTS for the selected machines. The label ``place`` is the mountpoint, or else the
    device. Those stay, because label_replace() fails on series that become equal: a disk plugged in again may have
    another device.
    """
    device = f'label_replace({fired(alerts)}, "place", "$1", "device", "(.+)")'
    place = f'label_replace({device}, "place", "$1", "mountpoint", "(.+)")'
    return f"max by (alertname, place, {SUBJECTS}) ({place})"
