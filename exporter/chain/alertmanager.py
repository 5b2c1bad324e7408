"""Talks to Alertmanager: which alerts are active there, and what the exporter posts itself."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from exporter.chain.asking import NoAnswerError, ask, texts
from exporter.chain.muted import muted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.chain.muted import Muted
    from exporter.chain.pace import Pace

log = logging.getLogger("exporter")

MADE_BY_A_RULE = "g0.expr="
"""Occurs in the generatorURL of every alert that a Prometheus rule has made."""


class Alertmanagers:
    """One Alertmanager, or several: each gets every alert, as from Prometheus."""

    def __init__(self, urls: Sequence[str], pace: Pace) -> None:
        self._urls = urls
        self._pace = pace
        self._refusing: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._urls)

    def muted(self) -> Muted | None:
        """Return which alerts are muted there, None if no Alertmanager answers. The others are not asked for."""
        found: list[object] = []
        answered = False
        for url in self._urls:
            with suppress(NoAnswerError):
                if isinstance(alerts := ask(f"{url}/api/v2/alerts?active=false", self._pace.answer), list):
                    found += alerts
                    answered = True
        return muted(found) if answered else None

    def active(self) -> dict[str, dict[str, Any]] | None:
        """Return the alerts that are firing there by fingerprint, muted ones too; None if no Alertmanager answers."""
        found: dict[str, dict[str, Any]] = {}
        answered = False
        for url in self._urls:
            try:
                alerts = ask(f"{url}/api/v2/alerts", self._pace.answer)
                found |= {str(alert["fingerprint"]): alert for alert in alerts if _is_whole(alert)}
            except (NoAnswerError, LookupError, TypeError, AttributeError):
                continue
            answered = True
        return found if answered else None

    def post(self, alerts: Sequence[dict[str, Any]]) -> bool:
        """Post alerts to all; return whether at least one has taken them. A failure is logged once."""
        taken = False
        for url in self._urls if alerts else ():
            try:
                ask(f"{url}/api/v2/alerts", self._pace.answer, list(alerts))
            except NoAnswerError as reason:
                if url not in self._refusing:
                    log.warning("cannot post alerts to Alertmanager: %s", reason)
                self._refusing.add(url)
            else:
                self._refusing.discard(url)
                taken = True
        return taken or not alerts


def _is_whole(alert: dict[str, Any]) -> bool:
    """Return whether an alert has what Alertmanager says of each. Raises LookupError, TypeError or AttributeError."""
    texts(alert["labels"])["alertname"]
    texts(alert["annotations"])
    texts({key: alert[key] for key in ("startsAt", "updatedAt")})
    return isinstance(alert["status"].get("silencedBy", []), list)


def source(alert: dict[str, Any]) -> str:
    """Return the address of the Prometheus whose rule made an alert, empty for one of a script or ``test-alert``."""
    address, rule, _ = str(alert.get("generatorURL", "")).partition(MADE_BY_A_RULE)
    return address if rule else ""
