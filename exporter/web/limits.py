"""Time limits: how long a client waits for a response."""

from __future__ import annotations

from math import inf
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.sampling.sampler import Sampler

HEADER = "X-Prometheus-Scrape-Timeout-Seconds"

MARGIN = 0.5
"""Seconds reserved for the network, as in Prometheus' blackbox_exporter."""

PATIENT = 3
"""Requests that may wait for a slow collector at the same time: half of the server's six workers."""

BRIEFLY = 1.0
"""Seconds that any further request waits, so that a worker is soon free for the next one, such as a health check."""


LATELY = 30.0
"""Seconds: how old the last sample may be in which something could be read."""

SHORTEST = 0.001
"""Seconds: Prometheus' timeouts are whole milliseconds."""


class Waiting:
    """Takes samples for requests; if a collector hangs, at most half of the server's workers wait for it."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._places = BoundedSemaphore(PATIENT)

    def is_ready(self) -> bool:
        """Return whether any collector answers, or did lately: however many others wait, for however long."""
        if _answered(self.sample(None)):
            return True
        latest = self._sampler.lately(LATELY)
        return latest is not None and _answered(latest)

    def sample(self, header: str | None) -> Snapshot:
        """Return a sample within the time limit in a request's header; once time is up, with the results so far."""
        limit = time_limit(header)
        if limit > BRIEFLY and self._places.acquire(blocking=False):
            try:
                return self._sampler.sample(limit=limit)
            finally:
                self._places.release()
        return self._sampler.sample(limit=min(limit, BRIEFLY))


def _answered(snapshot: Snapshot) -> bool:
    return len(snapshot.failures()) < len(snapshot.readings)


def time_limit(header: str | None) -> float:
    """Return the seconds within which to answer a scraper that announces its timeout.

    Returns inf if the header is absent or makes no sense, as 1e-9 does. A sample ends by itself before Prometheus'
    default of 10 s.
    """
    try:
        seconds = float(header or "")
    except ValueError:
        return inf
    return max(seconds - MARGIN, seconds / 2) if seconds >= SHORTEST else inf
