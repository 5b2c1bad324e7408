"""Shows what fires and how the monitoring itself is doing: no mail can report that mail cannot be sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.chain.findings import findings
from exporter.chain.firing import Firing, firing

if TYPE_CHECKING:
    from exporter.chain.watch import View
    from exporter.findings import Finding
    from exporter.model import Snapshot


def beside(snapshot: Snapshot, view: View | None) -> tuple[Snapshot, Firing]:
    """Return the snapshot with what its figures do not show, and everything that fires.

    ``view`` is what the watch over Prometheus and Alertmanager has found, None if there is none.
    """
    if view is None:
        return snapshot, Firing()
    found = firing(view)
    mine = snapshot.own()
    unshown = tuple(each for each in found.here if not any(_says(own, each) for own in mine))
    return replace(snapshot, beside=findings(view), firing=unshown), found


def silences(alert: Finding, mine: Finding) -> bool:
    """Return whether a silenced alert is the one about what a figure shows. A warning's silence is none for worse."""
    return _says(mine, alert) and alert.level >= mine.level


def _says(mine: Finding, alert: Finding) -> bool:
    """Return whether a figure itself says what an alert says, or worse."""
    return mine.kind == alert.kind and mine.level >= alert.level and mine.subject in {"", alert.subject}
