"""Notices that Prometheus no longer evaluates its rules: it then stores and answers, and no alert ever fires."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exporter.chain.asking import NoAnswerError, ask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.chain.pace import Pace

WATCHDOG = "Watchdog"
"""The alert that always fires. A Prometheus with other rules never had it, and is not judged by it."""


class Rules:
    """When the Watchdog was listed last. Times are monotonic, in seconds."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._listed: float | None = None
        self._looked = 0.0
        self._well = 0.0

    def stand_still(self, alerts: Iterable[dict[str, Any]], urls: Sequence[str], now: float) -> bool:
        """Return whether none of these servers, all of which store, has evaluated an alert for a while."""
        if now - self._looked > 2 * self._pace.well:  # before that it was not well, and has to begin anew
            self._well = now
        self._looked = now
        if any(alert["labels"]["alertname"] == WATCHDOG for alert in alerts):
            self._listed = now
        if self._listed is None or now - max(self._listed, self._well) < self._pace.silent:
            return False
        if any(self._evaluates(url) for url in urls):
            self._listed = None  # it is the Watchdog that is gone
            return False
        return True

    def _evaluates(self, url: str) -> bool:
        """Return whether a server has evaluated an alert rule lately; also if it does not say."""
        try:
            groups = ask(f"{url}/api/v1/rules?type=alert", self._pace.answer)["data"]["groups"]
            moments = [
                datetime.fromisoformat(group["lastEvaluation"]).timestamp() for group in groups if group["rules"]
            ]
        except (NoAnswerError, LookupError, TypeError, ValueError):
            return True
        return any(time.time() - moment < self._pace.starting for moment in moments)
