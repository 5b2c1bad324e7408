"""``rate_limit`` of a web configuration: how many requests a second are answered, whoever sends them."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.access.yaml_text import Plain

if TYPE_CHECKING:
    from exporter.access.document import Section

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(rf"([0-9]+\.?[0-9]*|\.[0-9]+)({'|'.join(sorted(_SECONDS, key=len, reverse=True))})")
_DIGIT = re.compile("[1-9]")
_LONGEST = 2.0**63 * 1e-9
"""Seconds that Go can express."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One request each ``interval`` seconds, and up to ``burst`` at once."""

    interval: float
    burst: int


def read_rate(section: Section) -> Rate | None:
    """Validate the section and return its rate, None if its interval of 0 turns it off. Raises AccessError."""
    burst = section.number("burst", "a number of requests such as 20")
    text = section.text("interval", "a duration such as 1s")
    if not section.has_value("interval"):
        return None
    # 5 is 5 ns to other exporters, and rarely meant so.
    is_zero = isinstance(text, Plain) and text.number() == 0 and not _DIGIT.search(text)
    interval = 0.0 if is_zero else _seconds(text)
    if interval is None:
        section.refuse("interval", f"{text!r} is not accepted; give 0, or a duration such as 100ms, 1s or 1m30s")
    return Rate(interval, max(burst, 0)) if interval else None


def _seconds(text: str) -> float | None:
    """Return a duration as Go writes them, in seconds; None if it is not one, or a negative one."""
    sign, digits = (text[0], text[1:]) if text[:1] in {"+", "-"} else ("", text)
    parts = _PART.findall(digits)
    if digits == "0":
        return 0.0
    if not parts or "".join(number + unit for number, unit in parts) != digits or len(digits) > 40:
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return seconds if seconds < _LONGEST and (sign != "-" or not seconds) else None


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
