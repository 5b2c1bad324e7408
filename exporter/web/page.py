"""The status page: a snapshot, arranged for its templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exporter import __version__
from exporter.collectors.system import System
from exporter.render import units
from exporter.render.json import iso_time
from exporter.render.sparkline import sparkline
from exporter.render.words import headline, sentences
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment

    from exporter.model import Snapshot
    from exporter.sampling.history import Point
    from exporter.settings import Settings

REFRESH = 2.5
"""Seconds between two refreshes of the page."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the page's footer."""

    name: str
    purpose: str
    url: str


def add_filters(environment: Environment) -> None:
    """Add the functions that format figures for people as template filters."""
    for name in ("percent", "limit", "size", "rate", "span", "number", "whole", "link_speed"):
        environment.filters[name] = getattr(units, name)


def page_context(snapshot: Snapshot, settings: Settings, points: Sequence[Point], asked_host: str) -> dict[str, Any]:
    """Return the variables of the templates. ``asked_host`` is the Host header of the request."""
    system = snapshot.section(System)
    hostname = system.hostname if system else "this machine"
    words = headline(snapshot)
    levels = snapshot.levels()
    return {
        "version": __version__,
        "refresh": REFRESH,
        "time": iso_time(snapshot.time),
        "clock": datetime.fromtimestamp(snapshot.time, UTC).strftime("%H:%M:%S"),
        "hostname": hostname,
        "level": str(snapshot.level()),
        "headline": words,
        "title": f"{hostname}: {words}",
        "findings": [
            ("failed" if finding.missing else str(finding.level), text) for finding, text in sentences(snapshot)
        ],
        "thresholds": settings.thresholds(),
        "level_of": lambda kind, subject="": str(levels.get((kind, subject), Level.OK)),
        "sections": {reading.collector: reading.section for reading in snapshot.readings},
        "lines": {
            name: sparkline([(point.monotonic, getattr(point, name)) for point in points])
            for name in ("cpu", "memory", "filesystem")
        },
        "links": _links(settings, asked_host),
    }


def _links(settings: Settings, asked_host: str) -> list[Link]:
    """Return the links that are set; ``{host}`` becomes the hostname under which this page was requested."""
    try:
        host = urlsplit(f"//{asked_host}").hostname or "localhost"
    except ValueError:  # a Host header that is not a host
        host = "localhost"
    if ":" in host:
        host = f"[{host}]"
    wanted = (
        Link("Grafana", "history", settings.grafana_url),
        Link("Prometheus", "queries", settings.prometheus_url),
        Link("Alertmanager", "alerts", settings.alertmanager_url),
    )
    return [Link(link.name, link.purpose, link.url.replace("{host}", host)) for link in wanted if link.url]
