"""How busy the whole machine is."""

from __future__ import annotations

import threading
import time

import psutil

SHORTEST = 0.5
"""Seconds: the kernel counts in steps of 10 ms, so that less would be guessing."""
LONGEST = 10.0
"""Seconds: the present is asked for, not the mean since somebody asked last."""


class Machine:
    """Memory and CPU in use. One measurement of the CPU is shared by all who ask.

    ``psutil.cpu_percent`` is no help here: it remembers one reading a thread, so that callers on a server's threads
    disturb each other and a new thread gets 0.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = _cpu_seconds()
        self._time = time.monotonic()
        self._share: float | None = None

    def system_info(self) -> dict[str, str]:
        """Return {"memory": "65%", "cpu": "45%"}; waits for up to half a second where there is no fresh figure."""
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
    """Return busy and all seconds of all cores. Idle and waiting for disks are not busy; guests are in user already."""
    times = psutil.cpu_times()
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total - times.idle - getattr(times, "iowait", 0.0), total
