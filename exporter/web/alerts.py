"""Shows how the monitoring itself is doing: no mail can report that mail cannot be sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.chain.findings import findings, words

if TYPE_CHECKING:
    from exporter.chain.watch import Watch
    from exporter.model import Snapshot


class Alerts:
    """Adds what the watch over Prometheus and Alertmanager has found to the machine's own findings."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch

    def beside(self, snapshot: Snapshot) -> tuple[Snapshot, str]:
        """Return the snapshot with these findings, and what stands beside the link to Prometheus. Never waits."""
        if self._watch is None:
            return snapshot, ""
        view = self._watch.view()
        return replace(snapshot, beside=findings(view)), words(view)
