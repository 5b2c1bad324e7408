"""How long a client waits for an answer."""

from __future__ import annotations

from math import inf

HEADER = "X-Prometheus-Scrape-Timeout-Seconds"

MARGIN = 0.5
"""Seconds that are left for the way there and back, as in Prometheus' own blackbox_exporter."""


def time_limit(header: str | None) -> float:
    """Return the seconds within which to answer a scraper that says when it gives up.

    inf where it does not say so, or says nothing sensible: a sample ends by itself before Prometheus' usual 10 s.
    """
    try:
        seconds = float(header or "")
    except ValueError:
        return inf
    return max(seconds - MARGIN, seconds / 2) if seconds > 0 else inf
