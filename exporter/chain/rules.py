"""What Prometheus says of its rules: how long each waits before its alert fires, and whether they are evaluated.

If they are not, it stores and answers, and no alert ever fires.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exporter.chain.asking import NoAnswerError, ask, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.chain.pace import Pace

WATCHDOG = "Watchdog"
"""The alert that always fires. A Prometheus with other rules never had it, and is not judged by it."""


def with_waits(alerts: tuple[dict[str, Any], ...], url: str, wait: float) -> tuple[dict[str, Any], ...]:
    """Return the alerts, each with the seconds that its rule waits before it fires as ``for``, where the server says.

    /api/v1/alerts has only when an alert became pending. The rules are not asked for while only the Watchdog fires.
    """
    if not any(alert["state"] == "firing" and alert["labels"].get("severity") != "none" for alert in alerts):
        return alerts
    try:
        groups = _groups(url, wait)
        waits = {
            _key(alert): float(rule["duration"])
            for group in groups
            for rule in group["rules"]
            for alert in rule.get("alerts") or ()
        }
    except (NoAnswerError, LookupError, TypeError, ValueError, AttributeError):
        return alerts
    return tuple(alert | {"for": waits[_key(alert)]} if _key(alert) in waits else alert for alert in alerts)


def _groups(url: str, wait: float) -> list[dict[str, Any]]:
    """Return the groups of alert rules that a server lists. Raises NoAnswerError, LookupError or TypeError."""
    groups: list[dict[str, Any]] = ask(f"{url}/api/v1/rules?type=alert", wait)["data"]["groups"]
    return groups


def _key(alert: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(texts(alert["labels"]).items())


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
            groups = _groups(url, self._pace.answer)
            moments = [
                datetime.fromisoformat(group["lastEvaluation"]).timestamp() for group in groups if group["rules"]
            ]
        except (NoAnswerError, LookupError, TypeError, ValueError):
            return True
        return any(time.time() - moment < self._pace.starting for moment in moments)
