"""How often the chain is looked at, and how long something must last before it counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """All times in seconds. The tests use shorter ones."""

    well: float = 30.0
    """Between two looks while all is well."""
    doubt: float = 15.0
    """Between two looks otherwise; alerts are posted again as often."""
    viewed: float = 10.0
    """A page view asks for a new look if the last one is older than this."""
    overdue: float = 180.0
    """A look that has not ended by then: the page says so."""
    answer: float = 5.0
    """For an answer to one request."""
    silent: float = 75.0
    """Without an answer before Prometheus is called down: longer than a restart, and longer than the 70 s within which
    one that is alive has sent the Watchdog to Alertmanager again."""
    starting: float = 300.0
    """For a start. While Prometheus reads its write-ahead log it answers 503."""
    stale: float = 60.0
    """Age of its newest sample of itself from which it is suspected of storing nothing: three scrapes missed."""
    unsaid: float = 180.0
    """Without storing before the exporter says so itself, in case the rule PrometheusNotStoring does not."""
    restarts: float = 900.0
    """Within which three starts are a crash loop."""
    back: float = 30.0
    """Of good answers before Prometheus counts as back."""
    back_again: float = 300.0
    """The same, if it was called down twice within ``restless``: a crash loop sends one email, not one a crash."""
    restless: float = 1800.0
    settle: float = 120.0
    """Of good answers before an alert that Prometheus does not list counts as over: its rules need data first."""
    held: float = 240.0
    """How far ahead a held alert ends. Shorter than ``lasts`` by more than Alertmanager's group_interval: should the
    exporter stop as well, held alerts end while they are still inhibited, and no mail calls them resolved."""
    lasts: float = 360.0
    """How far ahead the exporter's own alerts end."""


PACE = Pace()
