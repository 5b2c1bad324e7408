"""CPU and memory usage of the whole machine."""

from __future__ import annotations

import threading
import time

import psutil

SHORTEST = 0.5
"""Minimum seconds to measure over: the kernel counts in steps of 10 ms, so shorter times are inaccurate."""
LONGEST = 10.0
"""Maximum seconds to measure over: the figure is to be current, not an average since the previous request."""


class Machine:
    """Memory and CPU in use. All callers share one CPU measurement.

    ``psutil.cpu_percent`` does not work here: it keeps its previous reading per thread, so the figures depend on which
    server thread handles a request, and a new thread gets 0.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = _cpu_seconds()
        self._time = time.monotonic()
        self._share: float | None = None

    def system_info(self) -> dict[str, str]:
        """Return {"memory": "65%", "cpu": "45%"}; blocks for up to half a second to measure."""
        return {"memory": f"{psutil.virtual_memory().percent:.0f}%", "cpu": f"{100 * self._cpu():.0f}%"}

    def _cpu(self) -> float:
        with self._lock:
            age = time.monotonic() - self._time
            if age > LONGEST:
                self._before, self._time, self._share, age = _cpu_seconds(), time.monotonic(), None, 0.0
            if age < SHORTEST:
                if self._share is not None:
                    return self._share
                time.sleep(SHORTEST - age)
            now = _cpu_seconds()
            busy, total = (new - old for new, old in zip(now, self._before, strict=True))
            self._before, self._time = now, time.monotonic()
            self._share = min(max(busy / total, 0.0), 1.0) if total > 0 else 0.0
            return self._share


def _cpu_seconds() -> tuple[float, float]:
    """Return busy and total seconds of all cores. Idle and iowait are not busy; user already includes guest time."""
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total
