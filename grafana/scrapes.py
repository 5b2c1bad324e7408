"""Scrapes: which targets are up, and how long they and their collectors take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import rows, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus, table, timeseries


def targets() -> table.Panel:
    """Return all targets, those that are down first."""
    panel = panels.list_of(
        "Targets",
        'Everything that Prometheus scrapes, targets that are down first. Good: every line "up". "Duration" near 10 '
        's: the scrape is about to time out. "Series" that keep growing fill up the storage.',
        rows(f"sort(max by (job, instance) ({select('up')}))", "A"),
        rows(f"max by (job, instance) ({select('scrape_duration_seconds')})", "B"),
        rows(f"max by (job, instance) ({select('scrape_samples_scraped')})", "C"),
    )
    names = {"Value #A": "State", "job": "Job", "instance": "Address", "Value #B": "Duration", "Value #C": "Series"}
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    for name, width in {"State": 80, "Job": 110, "Duration": 95, "Series": 80}.items():
        panel = panel.override_by_name(name, [style.width(width)])
    states = {
        "0": {"text": "down", "color": style.CRITICAL, "index": 0},
        "1": {"text": "up", "color": style.OK, "index": 1},
    }
    panel = panel.override_by_name(
        "State",
        [
            style.property_of("mappings", [{"type": "value", "options": states}]),
            style.property_of("custom.cellOptions", {"type": "color-text"}),
        ],
    )
    panel = panel.override_by_name(
        "Duration", [style.property_of("unit", style.SECONDS), style.property_of("decimals", 3)]
    )
    panel = panel.override_by_name("Series", [style.property_of("decimals", 0)])
    return panel.sort_by([panels.sorted_by("State").desc(False)])


def slowest(title: str, description: str, *queries: prometheus.Dataquery) -> timeseries.Panel:
    """Return the five slowest, in seconds."""
    panel = panels.graph(title, description, style.SECONDS, *queries)
    return panel.legend(style.legend("mean", "max", sort="Max", beside=True)).fill_opacity(0)


def scrape_time() -> timeseries.Panel:
    """Return scrape durations."""
    values = select("scrape_duration_seconds")
    return slowest(
        "Scrape duration",
        "How long the five slowest targets took. Good: below 0.1 s. Prometheus times out after 10 s. A slow exporter "
        "means a machine in trouble or a slow network.",
        *style.ranked(values, "job, instance", "{{instance}}", "A", (5, style.in_range("max_over_time", values))),
    )


def collectors() -> timeseries.Panel:
    """Return collector durations."""
    values = select("host_exporter_collector_duration_seconds")
    return slowest(
        "Collector duration",
        "How long the five slowest collectors took per sample. Good: milliseconds. The alert fires above 2 s for all "
        'collectors of a machine together; "filesystem" at 2 s is a network filesystem that is not responding.',
        *style.ranked(
            values,
            "job, instance, collector",
            "{{collector}} {{instance}}",
            "A",
            (5, style.in_range("max_over_time", values)),
        ),
    )


def collectors_that_fail() -> timeseries.Panel:
    """Return which collectors failed."""
    errors = select("host_exporter_collector_errors_total")
    return (
        panels.graph(
            "Failing collectors",
            "Failed collections, the five collectors that failed most. Good: no data, because none failed. The status "
            "page shows the reason; see runbook HostCollectorFailing.",
            style.COUNT,
            *style.ranked(
                f"increase({errors}[$__rate_interval])",
                "job, instance, collector",
                "{{collector}} {{instance}}",
                "A",
                (5, f"({style.in_range('increase', errors)} > 0)"),
            ),
        )
        .legend(style.legend("max", sort="Max", beside=True))
        .axis_soft_max(1)
    )
