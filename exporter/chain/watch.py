"""Looks at Prometheus and Alertmanager in a thread of its own; the page shows what the last look has found."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from exporter.chain.alertmanager import Alertmanagers
from exporter.chain.guard import Guard
from exporter.chain.muted import NOTHING, Muted
from exporter.chain.pace import PACE
from exporter.chain.prometheus import Prometheus, State
from exporter.threads import start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.chain.pace import Pace

log = logging.getLogger("exporter")

UNSAID = frozenset({State.SILENT, State.STARTING, State.CLOSED})
"""States in which Prometheus does not say which alerts fire."""


@dataclass(frozen=True, slots=True)
class View:
    """What the last look has found.

    ``failures`` counts the looks in a row at which Prometheus was not well, ``deaf`` those without Alertmanager.
    ``overdue`` means that there has been none for minutes. ``alerts`` are those that Prometheus listed when it answered
    last, at ``seen`` (Unix time, 0 for never); ``muted`` says which of them Alertmanager sends to nobody. ``guarded``
    means that there is an Alertmanager to ask.
    """

    state: State = State.STORING
    alerts: tuple[dict[str, Any], ...] = ()
    failures: int = 0
    deaf: int = 0
    hostname: str = ""
    overdue: bool = False
    seen: float = 0.0
    muted: Muted = NOTHING
    guarded: bool = False


class Watch:
    """Watches the servers at these addresses; those of a kind do the same work. Posts nothing without Alertmanager.

    ``start`` it once. ``view`` may be called from any thread and never waits.
    """

    def __init__(
        self, prometheus: Sequence[str], alertmanagers: Sequence[str] = (), hostname: str = "", pace: Pace = PACE
    ) -> None:
        self._pace = pace
        self._hostname = hostname
        self._prometheus = Prometheus(prometheus, pace)
        self._guard = Guard(Alertmanagers(alertmanagers, pace), hostname, pace) if alertmanagers else None
        self._view = View()
        self._looked = -inf
        self._wake = threading.Event()
        self._stopped = False

    def start(self) -> None:
        """Start the thread; the first look is made at once. Raises ThreadError."""
        self._looked = time.monotonic() - self._pace.viewed
        start(self._run, "chain")

    def stop(self) -> None:
        """End the thread after the look it is making; not waited for, because a server may not answer."""
        self._stopped = True
        self._wake.set()

    def view(self) -> View:
        """Return what the last look has found. If that is not recent, the next one is brought forward."""
        age = time.monotonic() - self._looked
        if age > self._pace.viewed:
            self._wake.set()
        return replace(self._view, overdue=self._pace.overdue < age < inf)

    def look(self) -> None:
        """Look once at all servers and post what follows."""
        found = self._prometheus.look()
        now = time.monotonic()
        answers = self._guard is None or self._guard.see(found, now)
        failures = 0 if found.state is State.STORING else self._view.failures + 1
        deaf = 0 if answers else self._view.deaf + 1
        mutes = self._guard.muted if self._guard else NOTHING
        # Who does not answer, or not yet, has not taken back what it said.
        alerts, seen = (self._view.alerts, self._view.seen) if found.state in UNSAID else (found.alerts, time.time())
        guarded = self._guard is not None
        self._view = View(found.state, alerts, failures, deaf, self._hostname, seen=seen, muted=mutes, guarded=guarded)
        self._looked = time.monotonic()

    def _run(self) -> None:
        while not self._stopped:
            try:
                self.look()
            except Exception as reason:  # the watch must outlive anything that it is answered
                log.warning("the watch over Prometheus failed: %s: %s", type(reason).__name__, reason)
                log.debug("watch", exc_info=True)
            self._wake.clear()  # of views during the look
            if self._stopped:
                break
            calm = not self._view.failures and not self._view.deaf and (self._guard is None or self._guard.is_calm())
            self._wake.wait(self._pace.well if calm else self._pace.doubt)
