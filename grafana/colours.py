"""Colours: what a word means decides its colour, on every dashboard; names that nobody knows get one by their place."""

from __future__ import annotations

OK, WARNING, CRITICAL, NEUTRAL, INFO, NO_LEVEL = "green", "yellow", "red", "text", "blue", "transparent"
MISSING = "#808080"
"""What is not known is neither good nor bad: grey, in both themes."""

COLOURS = {
    "user": "blue",
    "system": "purple",
    "I/O wait": "orange",
    "steal": "dark-red",
    "used": "purple",
    "caches": "blue",
    "available": "#3AAFC4",
    "free": NEUTRAL,
    "swap used": "orange",
    "swapped in": "blue",
    "swapped out": "orange",
    "processes killed": CRITICAL,
    "idlest core": NEUTRAL,
    "busiest core": NEUTRAL,
    "mean of all cores": NEUTRAL,
    "total": NEUTRAL,
    "warning limit": WARNING,
    "critical limit": CRITICAL,
    "filesystem": "orange",
    "inodes": NEUTRAL,
    "1 min": "blue",
    "5 min": "purple",
    "15 min": "orange",
    "CPUs": NEUTRAL,
    "charge": OK,
    "plugged in": NEUTRAL,
    "processors slowed down": "purple",
    "cores slowed down": "blue",
    "corrected": "orange",
    "uncorrected errors": CRITICAL,
    "2xx": OK,
    "3xx": "blue",
    "4xx": WARNING,
    "5xx": CRITICAL,
    "50 % within": "blue",
    "95 % within": "purple",
    "99 % within": "orange",
    "receive errors": CRITICAL,
    "transmit errors": "dark-red",
    "receive dropped": "orange",
    "transmit dropped": "dark-orange",
    "btrfs": "#3AAFC4",
    "ZFS pools": "#A67F5D",
    "evaluated": "blue",
    "failed": CRITICAL,
    "compacted": "blue",
    "newest": "purple",
    "limit": WARNING,
    "series": "blue",
    "samples": "blue",
    "ahead of Prometheus": "blue",
    "to correct": "orange",
    "wrong at most": "purple",
    "sent again": "orange",
    "not accepted": "dark-orange",
}
"""Series with names of our own."""

LABELS = {
    "resource": {
        "cpu": "blue",
        "memory": "purple",
        "io": "orange",
        "descriptors": "#3AAFC4",
        "threads": "blue",
        "conntrack": "#A67F5D",
    },
    "state": {
        "running": "blue",
        "sleeping": "purple",
        "idle": "#8C8C8C",
        "disk-sleep": "orange",
        "stopped": "dark-orange",
        "tracing-stop": "dark-purple",
        "zombie": "dark-red",
        "dead": "dark-red",
        "parked": "#A67F5D",
    },
    "outcome": {"prediction": "blue", "uncertain": WARNING, "refused": "orange"},
    "job": {
        "host": "blue",
        "prometheus": "orange",
        "alertmanager": "purple",
        "grafana": "#A67F5D",
        "app": "#3AAFC4",
    },
    "integration": {"email": "blue", "webhook": "purple"},
}
"""Series named after a label whose values are known: a colour for each value."""

PLACES = ("blue", "orange", "purple", "#3AAFC4", "#A67F5D", "dark-blue", "#D683CE", "#8C8C8C")
"""Of the series of a top list, from the largest on: no red and no green, which would say bad and good.

Grafana's palettes all have both.
"""

MARKS = ("warning limit", "critical limit", "CPUs", "total", "limit")
"""Lines that are not drawn for their values: they stay out of the legend, which the amounts need."""


def of_legend(legend: str) -> dict[str, str]:
    """Return the colours of the series of one query, by name."""
    if legend in COLOURS:
        return {legend: COLOURS[legend]}
    if legend == "{{integration}} failed":
        return {f"{channel} failed": CRITICAL for channel in LABELS["integration"]}
    found: dict[str, str] = {}
    for label, colours in LABELS.items():
        if f"{{{{{label}}}}}" in legend:
            found |= {legend.replace(f"{{{{{label}}}}}", value): colour for value, colour in colours.items()}
    return found
