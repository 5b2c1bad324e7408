"""``rate_limit`` of a web configuration: how many requests a second are answered, whoever sends them."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.access.document import Section

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(sorted(_SECONDS, key=len, reverse=True))})")
_LONGEST = 24 * 3600.0
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """One request each ``interval`` seconds, and up to ``burst`` at once."""

    interval: float
    burst: int


def read_rate(section: Section) -> Rate | None:
    """Validate the section and return its rate, None if its interval of 0 turns it off. Raises AccessError."""
    text, number = section.text("interval", "a duration such as 1s"), section.text("burst", "a number")
    if number and not (number.isascii() and number.isdigit() and len(number) < 8 and int(number) <= _MOST):
        section.refuse("burst", f"{number!r} is not accepted; give a number of requests, up to {_MOST}")
    interval = _seconds(text or "0")
    if interval is None or interval > _LONGEST:
        section.refuse("interval", f"{text!r} is not accepted; give 0, or a duration such as 100ms, 1s or 1m30s")
    return Rate(interval, int(number or 0)) if interval else None


def _seconds(text: str) -> float | None:
    """Return a duration as Go writes them, in seconds; None if it is not one."""
    if text.strip("+0") == "" and text.strip("+"):
        return 0.0
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text or len(text) > 40:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


class Bucket:
    """Admits requests at a rate: a token for each request, a new one each interval, at most ``burst`` of them."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._tokens, self._since = float(rate.burst), time.monotonic()
        self._lock = threading.Lock()

    def admits(self) -> bool:
        """Return whether a request that arrives now is to be answered."""
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self.rate.burst, self._tokens + (now - self._since) / self.rate.interval)
            self._since = now
            admitted = self._tokens >= 1
            self._tokens -= admitted
            return admitted
