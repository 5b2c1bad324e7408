"""What changes slowly is read rarely: the last outcome of each collector that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.model import Collector
    from exporter.sampling.passes import Outcome


class Kept:
    """Outcomes by collector, for as long as ``Collector.every`` says. An outcome that is an error is not kept."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}

    def keep(self, collector: Collector, outcome: Outcome, now: float) -> Outcome:
        """Remember an outcome read at ``now`` (the sampler's clock), and return it as one of that age."""
        if not collector.every or outcome.error is not None:
            self._outcomes.pop(collector.name, None)
            return outcome
        outcome = outcome._replace(read_at=now)
        # Whoever shows it again has spent no time on it.
        self._outcomes[collector.name] = outcome._replace(seconds=0.0)
        return outcome

    def fresh(self, collector: Collector, now: float) -> Outcome | None:
        """Return a collector's last outcome, None if it is time to read it again."""
        outcome = self._outcomes.get(collector.name)
        if outcome is None or outcome.read_at is None or now - outcome.read_at >= collector.every:
            return None
        return outcome
