"""Concludes from a series of looks whether Prometheus is down, and when it is back. Pure: time comes in as a number."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from exporter.chain.prometheus import State

if TYPE_CHECKING:
    from exporter.chain.pace import Pace

FEW = 2
"""Looks in a row that must fail before anything is concluded: a single request may fail."""
SEVERAL = 3
"""Looks in a row without an answer before Prometheus is called down, however long ago the first was: this process may
have been stopped in between."""


class Judge:
    """What is known of Prometheus after each look. Times are monotonic, in seconds.

    ``down``: PrometheusDown stands. ``blind``: it answers and stores nothing, or did until lately, so that it takes
    alerts for over that are not. ``settled``: it has been well for so long that its rules have all the data they need.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.state = State.STORING
        self.failures = 0
        self.troubled = self.down = self.blind = False
        self.reason = State.SILENT
        self._unwell = self._since = self._well = inf
        self._in_row = 0
        self._returned = -inf
        self._restless = False

    def see(self, state: State, now: float, *, sends: float = -inf, told: bool = False) -> None:
        """Take in one look.

        ``sends`` is when Prometheus was last seen to send alerts, ``told`` whether its own rule has said that it stores
        nothing.
        """
        self._in_row = self._in_row + 1 if state is self.state and self.failures else 1
        if state is not self.state or not self.failures:
            self._since = now
        self.state = state
        if state in {State.STORING, State.CLOSED}:
            self._see_well(now)
            return
        self.failures += 1
        self._well = inf
        self._unwell = min(self._unwell, now)
        self.troubled = self.troubled or self.failures >= FEW
        self.blind = self.blind or (state is State.NOT_STORING and self._in_row >= FEW)
        if not self.down and self._is_down(now, sends, told=told):
            self.down = True
            self.reason = state
            self._restless = now - self._returned < self._pace.restless

    def _see_well(self, now: float) -> None:
        self.failures = 0
        self._unwell = inf
        self._well = min(self._well, now)
        needed = self._pace.back_again if self._restless else self._pace.back
        if self.down and now - self._well >= needed:
            self.down = False
            self._returned = now

    def _is_down(self, now: float, sends: float, *, told: bool) -> bool:
        lasted = now - self._since
        if self.state is State.RESTARTING:
            return True
        if self.state is State.NOT_STORING:
            return lasted >= self._pace.unsaid and self._in_row >= SEVERAL and not told
        if self.state is State.NOT_EVALUATING:
            return lasted >= self._pace.silent and self._in_row >= SEVERAL
        # One that still sends its alerts is alive, however few of our questions it answers.
        if now - sends < self._pace.silent:
            return False
        silent = self.state is State.SILENT and lasted >= self._pace.silent and self._in_row >= SEVERAL
        return silent or (self.failures >= SEVERAL and now - self._unwell >= self._pace.starting)

    def settled(self, now: float) -> bool:
        """Return whether it has been well for so long that its rules have all the data they need."""
        return not self.down and now - self._well >= self._pace.settle

    def is_open(self) -> bool:
        """Return whether it said at the last look how its alerts are."""
        return self.state is not State.CLOSED

    def resume(self, *, down: bool, blind: bool) -> None:
        """Go on where an exporter stopped whose alerts still stand."""
        self.troubled = self.troubled or down or blind
        self.down, self.blind = self.down or down, self.blind or blind

    def close(self) -> None:
        """Forget the trouble: everything that was held is settled."""
        self.troubled = self.blind = False
