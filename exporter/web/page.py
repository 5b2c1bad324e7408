"""The status page: a snapshot, arranged for its templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exporter import __version__
from exporter.collectors.system import System
from exporter.render import units
from exporter.render.json import iso_time
from exporter.render.sparkline import sparkline
from exporter.render.words import counted, headline, sentences
from exporter.thresholds import Level
from exporter.web.alerts import silences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jinja2 import Environment

    from exporter.chain.firing import Firing
    from exporter.findings import Finding
    from exporter.model import Snapshot
    from exporter.sampling.history import Point
    from exporter.settings import Settings
    from exporter.web.links import Link

REFRESH = 2.5
"""Seconds between two refreshes of the page."""
MOST = 6
"""Alerts about other machines and applications that are listed."""


def add_filters(environment: Environment) -> None:
    """Add the functions that format figures for people as template filters."""
    for name in (
        "percent",
        "limit",
        "size",
        "rate",
        "span",
        "wait",
        "celsius",
        "number",
        "whole",
        "used_of",
        "link_speed",
    ):
        environment.filters[name] = getattr(units, name)


def page_context(
    snapshot: Snapshot, settings: Settings, points: Sequence[Point], firing: Firing, links: Sequence[Link]
) -> dict[str, Any]:
    """Return the variables of the templates. ``firing`` is what Prometheus says of all machines."""
    system = snapshot.section(System)
    hostname = system.hostname if system else "this machine"
    words = headline(snapshot)
    levels = snapshot.levels()
    mine = snapshot.own()

    def silence(finding: Finding) -> str:
        quiet = finding in mine and any(silences(alert, finding) for alert in firing.silenced)
        return ". Silenced in Alertmanager" if quiet else ""

    def worst_first(things: Iterable[Any], subject: str, *kinds: str) -> list[Any]:
        """Return things in their order, those at a level first; ``subject`` is their attribute that findings name."""
        return sorted(things, key=lambda it: -max(levels.get((kind, getattr(it, subject)), Level.OK) for kind in kinds))

    unshown = [alert for alert in firing.silenced if not any(silences(alert, own) for own in mine)]
    return {
        "version": __version__,
        "refresh": REFRESH,
        "time": iso_time(snapshot.time),
        "clock": datetime.fromtimestamp(snapshot.time, UTC).strftime("%H:%M:%S"),
        "hostname": hostname,
        "level": str(snapshot.level()),
        "headline": words,
        "title": f"{hostname}: {words}",
        "findings": [_listed(finding, text) for finding, text in sentences(snapshot, silence)],
        "silenced": [_listed(finding, finding.reason) for finding in unshown],
        "elsewhere": [_listed(finding, finding.reason) for finding in firing.elsewhere[:MOST]],
        "elsewhere_count": counted(firing.elsewhere),
        "more": max(0, len(firing.elsewhere) - MOST),
        "thresholds": settings.thresholds(),
        "worst_first": worst_first,
        "level_of": lambda kind, subject="": str(levels.get((kind, subject), Level.OK)),
        "age_of": lambda name: next((each.age_seconds for each in snapshot.readings if each.collector == name), None),
        "sections": {reading.collector: reading.section for reading in snapshot.readings},
        "lines": {
            name: sparkline([(point.monotonic, getattr(point, name)) for point in points])
            for name in ("cpu", "memory", "filesystem")
        },
        "links": links,
    }


def _listed(finding: Finding, text: str) -> dict[str, str]:
    """Return a finding as the page lists it: how, of whom, what, and the address of its runbook."""
    kind = "failed" if finding.missing else "over" if finding.over else str(finding.level)
    runbook = f"runbooks#{finding.kind}" if finding.runbook is None else finding.runbook
    return {"class": kind, "place": finding.what, "text": units.unbroken(text), "runbook": runbook}
