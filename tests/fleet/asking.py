"""Configuration of a pair with short intervals, and queries on what its servers have stored."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tests.fleet.pair import Pair
from tests.stack.support import ALERT, without_cpu

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

QUIET = {"FILESYSTEM_WARNING": "99.98", "FILESYSTEM_CRITICAL": "99.99", "MACHINE_NAME": "web-01"}
ALIVE = 'host_uptime_seconds{job="host"}'
INTERVAL = 1.0


def shorter(name: str, text: str) -> str:
    """Return a configuration with all intervals, also of alerts and the store, cut to a fifteenth."""
    return without_cpu(name, text).replace("Interval=15s", "Interval=1s").replace("Offset=15s", "Offset=1s")


def make_pair(folder: Path, without: Collection[str] = (), variables: Mapping[str, str] | None = None) -> Pair:
    return Pair(folder, {**QUIET, **ALERT, **(variables or {})}, edit=shorter, without=without)


def stored(pair: Pair, name: str, expression: str, begin: float, end: float) -> list[float]:
    """Return the timestamps of the samples that a server has of one series, in order."""
    seconds = round(end - begin)
    found = pair.ask(name, "query", query=f"{expression}[{seconds}s]", time=end)["result"]
    assert len(found) <= 1, f"both are stored: {[series['metric'] for series in found]}"
    return [float(moment) for series in found for moment, _ in series["values"]]


def gap(times: list[float], begin: float, end: float) -> float:
    """Return the longest time without a sample from ``begin`` to ``end``, in seconds."""
    return max(later - earlier for earlier, later in pairwise([begin, *times, end]))


def subjects(pair: Pair, text: str) -> list[str]:
    return [mail.subject for mail in pair.mailbox.mails if text in mail.subject]
