"""How long a client waits for an answer."""

from __future__ import annotations

from math import inf
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.sampling.sampler import Sampler

HEADER = "X-Prometheus-Scrape-Timeout-Seconds"

MARGIN = 0.5
"""Seconds that are left for the way there and back, as in Prometheus' own blackbox_exporter."""

PATIENT = 3
"""Requests that may wait for a slow collector at a time, half of the server's six workers."""

BRIEFLY = 1.0
"""Seconds that all others wait: a worker is soon free again for who asks next, such as a health check."""


class Waiting:
    """Takes samples for requests; where a collector hangs, half of the server's workers wait for it and no more."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._places = BoundedSemaphore(PATIENT)

    def sample(self, header: str | None) -> Snapshot:
        """Return a sample within the time that a request's header names, or sooner with what there is."""
        limit = time_limit(header)
        if limit > BRIEFLY and self._places.acquire(blocking=False):
            try:
                return self._sampler.sample(limit=limit)
            finally:
                self._places.release()
        return self._sampler.sample(limit=min(limit, BRIEFLY))


def time_limit(header: str | None) -> float:
    """Return the seconds within which to answer a scraper that says when it gives up.

    inf where it does not say so, or says nothing sensible: a sample ends by itself before Prometheus' usual 10 s.
    """
    try:
        seconds = float(header or "")
    except ValueError:
        return inf
    return max(seconds - MARGIN, seconds / 2) if seconds > 0 else inf
