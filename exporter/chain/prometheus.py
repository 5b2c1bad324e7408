"""Looks at Prometheus: whether it answers, whether it stores, which alerts it lists."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from exporter.chain.asking import NoAnswerError, ask, texts
from exporter.chain.rules import Rules, with_waits
from exporter.chain.starts import Starts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.chain.pace import Pace

log = logging.getLogger("exporter")

OWN = 'time() - max(timestamp(up{job="prometheus"}))'
ANY = "time() - max(timestamp(up))"
"""For a Prometheus that does not scrape itself under that name."""

UNAVAILABLE, NOT_FOUND, REFUSALS = 503, 404, frozenset(range(400, 500)) - {404}


class State(IntEnum):
    """What a server was found to do; of several servers, the best one counts."""

    SILENT = 0
    STARTING = 1
    CLOSED = 2
    """It refuses to say, for want of a password: alive, and unknown."""
    RESTARTING = 3
    """It crashes again and again."""
    NOT_STORING = 4
    NOT_EVALUATING = 5
    """Its alert rules are gone, or stand still."""
    STORING = 6
    """All is well."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at all servers: the best state, and the alerts that those that answer list, firing or pending."""

    state: State
    alerts: tuple[dict[str, Any], ...] = ()


class Prometheus:
    """One server, or several that do the same work."""

    def __init__(self, urls: Sequence[str], pace: Pace) -> None:
        self._urls = urls
        self._pace = pace
        self._answering: dict[str, float] = {}
        self._starts = {url: Starts(pace) for url in urls}
        self._refusing: set[str] = set()
        self._rules = Rules(pace)

    def look(self) -> Look:
        """Ask every server; takes at most a few seconds each."""
        looks = [self._in_time(url, self._look(url)) for url in self._urls]
        best = max(look.state for look in looks)
        alerts = tuple(alert for look in looks for alert in look.alerts)
        answering = [url for url, look in zip(self._urls, looks, strict=True) if look.state is State.STORING]
        if answering and self._rules.stand_still(alerts, answering, time.monotonic()):
            best = State.NOT_EVALUATING
        return Look(best, alerts)

    def _in_time(self, url: str, look: Look) -> Look:
        """Return a look. Who has just begun to answer is starting: the first sample comes with the first scrape."""
        if look.state < State.RESTARTING:
            self._answering.pop(url, None)
            return look
        now = time.monotonic()
        self._starts[url].see(self._started(url), now)
        if self._starts[url].too_many(now):
            return Look(State.RESTARTING, look.alerts)
        new = now - self._answering.setdefault(url, now) < self._pace.stale
        return Look(State.STARTING, look.alerts) if new and look.state is State.NOT_STORING else look

    def _look(self, url: str) -> Look:
        try:
            stores = self._stores(url)
            alerts = with_waits(listed(ask(f"{url}/api/v1/alerts", self._pace.answer)), url, self._pace.answer)
        except NoAnswerError as reason:
            if reason.status == UNAVAILABLE:
                return Look(State.STARTING)
            if reason.status in REFUSALS and url not in self._refusing:
                log.warning("cannot ask Prometheus how it is: %s", reason)
                self._refusing.add(url)
            return Look(State.CLOSED if reason.status in REFUSALS else State.SILENT)
        except (LookupError, TypeError, ValueError, AttributeError):  # JSON, but not Prometheus'
            return Look(State.SILENT)
        return Look(State.STORING if stores and not _says_otherwise(alerts) else State.NOT_STORING, alerts)

    def _started(self, url: str) -> str:
        """Return when the server says that it was started, empty if it does not say."""
        try:
            return str(ask(f"{url}/api/v1/status/runtimeinfo", self._pace.answer)["data"]["startTime"])
        except (NoAnswerError, LookupError, TypeError):
            return ""

    def _stores(self, url: str) -> bool:
        try:
            age = self._age(url, OWN)
            age = self._age(url, ANY) if age is None else age
        except NoAnswerError as reason:
            if reason.status == NOT_FOUND:  # vmalert lists alerts and stores nothing itself
                return True
            raise
        # No sample at all for the 5 minutes that Prometheus looks back.
        return age is not None and age < self._pace.stale

    def _age(self, url: str, query: str) -> float | None:
        """Return the age of the newest sample in seconds, None if there is none."""
        answer = ask(f"{url}/api/v1/query?query={quote(query)}", self._pace.answer)
        result = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else None


def _says_otherwise(alerts: Sequence[dict[str, Any]]) -> bool:
    """Return whether its own rule says that it stores nothing: it knows cases that the age of a sample hides."""
    return any(a["labels"]["alertname"] == "PrometheusNotStoring" and a["state"] == "firing" for a in alerts)


def listed(answer: Any) -> tuple[dict[str, Any], ...]:
    """Return the alerts of a response of /api/v1/alerts. Raises LookupError or TypeError if it has another form."""
    alerts = tuple(answer["data"]["alerts"])
    for alert in alerts:
        texts(alert["labels"])["alertname"]
        texts(alert.get("annotations") or {})
        if not isinstance(alert["state"], str):
            raise TypeError("the state of an alert is a word")
    return alerts
