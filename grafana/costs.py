"""What the monitoring costs: storage, samples, and the CPU and memory of its services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, select

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana_foundation_sdk.builders import prometheus, timeseries


def storage() -> timeseries.Panel:
    """Return the size of the stored history."""
    blocks, wal = select("prometheus_tsdb_storage_blocks_bytes"), select("prometheus_tsdb_wal_storage_size_bytes")
    limit = select("prometheus_tsdb_retention_limit_bytes")
    panel = panels.graph(
        "History on disk",
        "Size of the stored history, compacted and not yet compacted. Good: below RETENTION_SIZE, at which the oldest "
        "data is deleted; a dashed line marks it once half of it is used.",
        style.BYTES,
        over_time(f"sum({blocks})", "compacted", "A"),
        over_time(f"sum({wal})", "newest", "B"),
        over_time(f"(max({limit}) > 0) < 2 * (sum({blocks}) + sum({wal}))", "limit", "C"),
    )
    return panels.dashed(panels.stacked(panel), "limit").legend(style.legend("lastNotNull"))


def series() -> timeseries.Panel:
    """Return the number of series."""
    return panels.graph(
        "Series",
        "Series that Prometheus holds in memory. Good: steady, about 200 per machine. If it keeps growing, some label "
        "has a new value in every scrape.",
        style.COUNT,
        over_time(f"sum({select('prometheus_tsdb_head_series')})", "series"),
    )


def samples() -> timeseries.Panel:
    """Return the ingestion rate."""
    appended = select("prometheus_tsdb_head_samples_appended_total")
    return panels.graph(
        "Samples",
        "Samples stored per second. Good: steady, about 13 for each machine scraped every 15 s. One sample takes 1 to "
        "2 bytes.",
        style.COUNT,
        over_time(f"sum(rate({appended}[$__rate_interval]))", "samples"),
    )


def cpu_of_each() -> timeseries.Panel:
    """Return the CPU usage of each service."""

    def used(jobs: str) -> str:
        return f"sum by (job) (rate({select('process_cpu_seconds_total', jobs)}[$__rate_interval]))"

    def in_all(jobs: str) -> str:
        return f"sum by (job) ({style.in_range('increase', select('process_cpu_seconds_total', jobs))})"

    return panels.stacked(
        panels.graph(
            "CPU by service",
            "Cores used by each service of the stack, all exporters added together. Good: below 0.1 in total for a "
            "few machines.",
            style.CORES,
            *_by_job(used, in_all),
        )
    ).legend(style.legend("mean", "max", sort="Mean", beside=True))


def memory_of_each() -> timeseries.Panel:
    """Return the memory usage of each service."""

    def used(jobs: str) -> str:
        return f"sum by (job) ({select('process_resident_memory_bytes', jobs)})"

    def most(jobs: str) -> str:
        return f"sum by (job) ({style.in_range('max_over_time', select('process_resident_memory_bytes', jobs))})"

    return panels.stacked(
        panels.graph(
            "Memory by service",
            "Memory used by each service of the stack, all exporters added together (about 40 MiB each). Good: steady.",
            style.BYTES,
            *_by_job(used, most),
        )
    ).legend(style.legend("mean", "max", sort="Max", beside=True))


def _by_job(used: Callable[[str], str], most: Callable[[str], str]) -> list[prometheus.Dataquery]:
    """Return the queries for our own jobs, whose colours are known, and for the three largest of the others."""
    ours = style.words_of("job")
    others = f'job!~"{ours}"'
    ranked = style.ranked(used(others), "job", "{{job}}", "B", (3, most(others)), first=6)
    return [over_time(used(f'job=~"{ours}"'), "{{job}}"), *ranked]
