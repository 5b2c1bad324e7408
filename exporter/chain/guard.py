"""Keeps Alertmanager's picture true while Prometheus cannot: says that it is down, and lets no alert end unseen."""

from __future__ import annotations

import logging
import time
from math import inf
from typing import TYPE_CHECKING, Any

from exporter.chain import own
from exporter.chain.alertmanager import source
from exporter.chain.held import Held, Listed
from exporter.chain.judge import Judge
from exporter.chain.muted import NOTHING, muted
from exporter.chain.prometheus import State

if TYPE_CHECKING:
    from exporter.chain.alertmanager import Alertmanagers
    from exporter.chain.pace import Pace
    from exporter.chain.prometheus import Look

    Alert = dict[str, Any]

log = logging.getLogger("exporter")

NOT_STORING = "PrometheusNotStoring"
INHIBITING = frozenset({NOT_STORING, "AlertsOnHold"})
"""Rules by which Prometheus itself says that it has no fresh data; Alertmanager inhibits everything else by them."""


class Guard:
    """Takes in each look at Prometheus and posts what follows from it. Used by one thread.

    ``muted`` is what Alertmanager said last that it sends to nobody: while it does not answer, no silence has ended.
    """

    def __init__(self, alertmanagers: Alertmanagers, hostname: str, pace: Pace) -> None:
        self._alertmanagers = alertmanagers
        self._pace = pace
        self._judge = Judge(pace)
        self._held = Held()
        self._down = own.prometheus_down(hostname)
        self._resumed = False
        self._severe = False
        self._sends = -inf
        self._sent: dict[str, str] = {}
        self._listed: tuple[Alert, ...] = ()
        self._sources: set[str] = set()
        self._strange = False
        self._unsaid: list[Alert] = []
        self.muted = NOTHING

    def is_calm(self) -> bool:
        """Return whether nothing is wrong or left to do."""
        judge = self._judge
        return self._resumed and not judge.failures and not judge.troubled

    def see(self, look: Look, now: float) -> bool:
        """Take in a look made at ``now`` (monotonic) and return whether an Alertmanager answers."""
        if look.state is State.STORING:
            self._listed = look.alerts
        if self.is_calm() and look.state is State.STORING:
            self._judge.see(look.state, now)
            known = self._alertmanagers.muted()
            self.muted = known or self.muted
            return known is not None
        found = self._alertmanagers.active()
        active = found or {}
        if found is not None:
            self.muted = muted(found.values())
        if found is not None and not self._resumed:
            self._resume(found)
        self._see_sources(active)
        self._see_life(active, now)
        told = any(alert["labels"]["alertname"] == NOT_STORING for alert in active.values())
        was_down = self._judge.down
        self._judge.see(look.state, now, sends=self._sends, told=told)
        if self._judge.down is not was_down:
            log.warning("Prometheus %s", "is down: Alertmanager is told" if self._judge.down else "is back")
        self._act(look, active, now, answered=found is not None)
        return found is not None

    def _resume(self, active: dict[str, Alert]) -> None:
        """Go on where an exporter stopped: its alert still stands."""
        self._resumed = True
        for alert in active.values():
            if alert["labels"] == self._down.labels:
                self._down.begin(alert["annotations"], alert["startsAt"])
        blind = any(alert["labels"]["alertname"] in INHIBITING for alert in active.values())
        if self._down.since or blind:
            self._judge.resume(down=bool(self._down.since), blind=blind)
            self._held.remember(self._ours(active), down=bool(self._down.since))

    def _see_sources(self, active: dict[str, Alert]) -> None:
        """Note which of them our Prometheus has sent, by what it listed last: others may use this Alertmanager too."""
        if active and not self._strange and not any(map(source, active.values())):
            log.warning(
                "no alert in Alertmanager names the rule that made it: none can be kept from being called resolved"
            )
            self._strange = True
        listed = Listed(self._listed)
        self._sources |= {source(alert) for alert in active.values() if source(alert) and listed.has(alert, "firing")}

    def _ours(self, active: dict[str, Alert]) -> dict[str, Alert]:
        """Return those that our Prometheus has made; those of any, if there was no way yet to tell them apart."""
        return {key: a for key, a in active.items() if source(a) and source(a) in (self._sources or {source(a)})}

    def _see_life(self, active: dict[str, Alert], now: float) -> None:
        """Note whether Prometheus still sends: the Watchdog is never posted by anybody else."""
        sent = {
            key: alert["updatedAt"]
            for key, alert in self._ours(active).items()
            if alert["labels"].get("severity") == "none"
        }
        if any(self._sent.get(key, when) != when for key, when in sent.items()):
            self._sends = now
        self._sent = sent

    def _act(self, look: Look, active: dict[str, Alert], now: float, *, answered: bool) -> None:
        judge, held, today = self._judge, self._held, time.time()
        self._severe = self._severe or judge.down or judge.blind
        listed = Listed(look.alerts)
        if look.state is State.STORING:
            held.let_go(listed)
        else:
            held.remember(self._ours(active), down=judge.down)
        # Alertmanager drops unsaid what ends while it is inhibited. So nothing may have inhibited it at the last look.
        inhibited = any(alert["labels"]["alertname"] in INHIBITING for alert in active.values())
        clear = not self._down.since and not inhibited
        settled = judge.settled(now)
        self._say_down(today)
        if not judge.troubled:
            if not judge.failures:
                held.forget()
            return
        if settled and not judge.is_open():  # it lives, and sends what only it can know
            held.forget()
        if settled and clear and answered:
            if not self._severe:  # it was slow, not dead, and has ended some of them itself
                held.only(active)
            self._unsaid += held.over(listed, own.moment(today))
        posts = held.extended(active, listed, own.moment(today + self._pace.held))
        if self._alertmanagers.post([*posts, *self._unsaid]):
            self._unsaid = []
        if settled and clear and not held and not self._unsaid:
            judge.close()
            self._severe = False

    def _say_down(self, today: float) -> None:
        """Post PrometheusDown as standing, or once as over."""
        if self._judge.down:
            self._down.begin(own.words_of_down(self._judge.reason), own.moment(today))
            self._alertmanagers.post([self._down.standing(today + self._pace.lasts)])
        elif self._down.since:
            # Before that: once nothing inhibits it any more, it would be mailed anew.
            over = self._held.taken(NOT_STORING, own.moment(today))
            if self._alertmanagers.post([*over, self._down.ended(today, own.BACK)]):
                self._down.since = ""
