"""The series in the head of a Prometheus that monitors a fleet, by origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fleet.bench_figures import Figures
    from tests.fleet.stack import Watched

PROGRAMS = "host_top_process_"
SCRAPE = ("up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
          "scrape_series_added")  # fmt: skip
"""The series that Prometheus itself adds for each scrape."""
NAMES = 10_000
"""Larger than the number of metric names."""


def measure_series(figures: Figures, watched: Watched) -> None:
    """Series per machine: its own, those added per scrape, those of rules, and those of programs that have ended."""
    found = watched.ask("status/tsdb", limit=NAMES)["seriesCountByMetricName"]
    head = {each["name"]: each["value"] for each in found}
    now = watched.number(f'count({{__name__=~"{PROGRAMS}.*"}})')
    counts = {
        "own": watched.number('avg(scrape_samples_scraped{job="host"} and up{job="host"} == 1)') * figures.machines,
        "scrape": watched.number(f'count({{__name__=~"{"|".join(SCRAPE)}", job="host"}})'),
        "rules": sum(count for name, count in head.items() if name.startswith(("instance:", "ALERTS"))),
        "gone": sum(count for name, count in head.items() if name.startswith(PROGRAMS)) - now,
    }
    # A machine's own series are averaged over the machines that are up.
    counts["servers"] = max(0.0, sum(head.values()) - sum(counts.values()))
    figures.kinds = {kind: count / figures.machines for kind, count in counts.items()}
