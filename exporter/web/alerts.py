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
    unshown = tuple(each for each in found.here if not _is_shown(each, mine))
    return replace(snapshot, beside=findings(view), firing=unshown), found


def _is_shown(alert: Finding, mine: list[Finding]) -> bool:
    """Return whether the figures themselves say what an alert says, or worse."""
    return any(
        each.kind == alert.kind and each.level >= alert.level and each.subject in {"", alert.subject} for each in mine
    )
