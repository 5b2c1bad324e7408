"""The names that files of the owner's may use: all but ours, and those of ours that come from such files."""

from __future__ import annotations

import re
from typing import NamedTuple

DISK = frozenset({"device", "model", "serial"})
JOB = frozenset({"job"})


class Known(NamedTuple):
    """A metric of ours that comes from textfiles: its type, the labels it may have, its help, its largest value."""

    kind: str
    labels: frozenset[str]
    help_text: str
    most: float = 2.0**63


KNOWN = {
    "host_disk_smart_healthy": Known("gauge", DISK, "1 if SMART has nothing against the disk, 0 if it is failing.", 1),
    "host_disk_smart_problem": Known(
        "gauge", DISK | {"problem"}, "What makes a disk unhealthy if it is above 0: how many of what the label says."
    ),
    "host_disk_wear_ratio": Known("gauge", DISK, "Wear of an SSD, 0-1: 0 is new, 1 is all that its maker promises.", 1),
    "host_disk_spare_ratio": Known("gauge", DISK, "Share of an SSD's spare blocks that is left, 0-1.", 1),
    "host_disk_media_errors_total": Known(
        "counter", DISK, "Errors in the disk's life that it could not correct: data that could not be read or written."
    ),
    "host_disk_reallocated_sectors": Known("gauge", DISK, "Bad sectors that the disk has replaced by spare ones."),
    "host_backup_last_success_timestamp_seconds": Known("gauge", JOB, "Unix time at which the backup last succeeded."),
    "host_backup_max_age_seconds": Known(
        "gauge", JOB, "Age of the last success from which the owner wants an alert; absent for two days."
    ),
}
"""Served under their own names although those begin with ours."""

OURS = re.compile(r"host_|process_|prometheus_|alertmanager_|up$|ALERTS|scrape_|.*:", re.ASCII)
"""Names of the exporter's metrics, of the servers' that alerts.yml watches, and of those that Prometheus adds to each
scrape or records by rules. A file with one of them could raise the stack's own alerts, or hide them."""

METRIC, LABEL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII), re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def check_name(name: str) -> None:
    """Raise ValueError for the name of a metric that a file may not have."""
    if not METRIC.fullmatch(name):
        raise ValueError("a metric's name may have letters, digits and _ only")
    if OURS.match(name) and name not in KNOWN:
        raise ValueError(f"the name {name} is taken: it belongs to the exporter, Prometheus or Alertmanager")


def check_sample(name: str, labels: dict[str, str], value: float) -> None:
    """Raise ValueError for labels or for a value that a metric of that name cannot have."""
    for label in labels:
        if not LABEL.fullmatch(label):
            raise ValueError(f"{name} has a label whose name is not letters, digits and _")
    known = KNOWN.get(name)
    if known is None:
        return
    if surplus := set(labels) - known.labels:
        raise ValueError(f"{name} has the label {min(surplus)}; it may have {', '.join(sorted(known.labels))}")
    if not 0 <= value <= known.most:
        raise ValueError(f"{name} is {value:g}, which cannot be")
