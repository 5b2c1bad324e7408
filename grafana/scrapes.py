"""What is scraped: which targets answer, how long they and their collectors take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, rows, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries


def targets() -> table.Panel:
    """Return all targets, those that do not answer first."""
    panel = panels.list_of(
        "Targets",
        'All that Prometheus scrapes, what does not answer first. Good: every line "answers". "Took" near 10 s '
        'is a scrape that is about to fail; "Series" that grow all the time fill the storage.',
        rows(f"sort(max by (job, instance) ({select('up')}))", "A"),
        rows(f"max by (job, instance) ({select('scrape_duration_seconds')})", "B"),
        rows(f"max by (job, instance) ({select('scrape_samples_scraped')})", "C"),
    )
    names = {"job": "Job", "instance": "Address", "Value #A": "State", "Value #B": "Took", "Value #C": "Series"}
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    states = {
        "0": {"text": "no answer", "color": style.CRITICAL, "index": 0},
        "1": {"text": "answers", "color": style.OK, "index": 1},
    }
    panel = panel.override_by_name(
        "State",
        [
            style.property_of("mappings", [{"type": "value", "options": states}]),
            style.property_of("custom.cellOptions", {"type": "color-text"}),
        ],
    )
    panel = panel.override_by_name("Took", [style.property_of("unit", style.SECONDS), style.property_of("decimals", 3)])
    panel = panel.override_by_name("Series", [style.property_of("decimals", 0)])
    return panel.sort_by([panels.sorted_by("State").desc(False)])


def slowest(title: str, description: str, metric: str, legend: str) -> timeseries.Panel:
    """Return the five slowest, in seconds."""
    values = select(metric)
    panel = panels.graph(
        title,
        description,
        style.SECONDS,
        over_time(f"{values} and topk(5, max_over_time({values}[$__range] @ end()))", legend),
    )
    return panel.legend(style.legend("mean", "max", sort="Max")).fill_opacity(0).decimals(3)


def scrape_time() -> timeseries.Panel:
    """Return how long scrapes took."""
    return slowest(
        "Time of a scrape",
        "How long the five slowest targets took. Good: below 0.1 s. Prometheus gives up after 10 s; a slow "
        "exporter is on a machine that is in trouble, or behind a slow network.",
        "scrape_duration_seconds",
        "{{instance}}",
    )


def collectors() -> timeseries.Panel:
    """Return how long collectors took."""
    return slowest(
        "Time of each collector",
        "How long the five slowest collectors took in a sample. Good: milliseconds. Above 2 s together there is "
        'an alert; "filesystem" at 2 s is a network filesystem that does not answer.',
        "host_exporter_collector_duration_seconds",
        "{{collector}} {{instance}}",
    )


def collectors_that_fail() -> timeseries.Panel:
    """Return which collectors failed."""
    errors = select("host_exporter_collector_errors_total")
    return (
        panels.graph(
            "Collectors that fail",
            "Samples without figures, by what could not be read, the five most frequent. Good: 0 everywhere. The "
            "reason stands on the status page; runbook HostCollectorFailing.",
            style.COUNT,
            over_time(
                f"increase({errors}[$__rate_interval]) and topk(5, increase({errors}[$__range] @ end()))",
                "{{collector}} {{instance}}",
            ),
        )
        .legend(style.legend("max"))
        .axis_soft_max(1)
    )
