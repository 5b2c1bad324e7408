"""What the monitoring costs: storage, samples, CPU and memory of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import timeseries


def storage() -> timeseries.Panel:
    """Return the size of the history."""
    blocks, wal = select("prometheus_tsdb_storage_blocks_bytes"), select("prometheus_tsdb_wal_storage_size_bytes")
    panel = panels.graph(
        "History on disk",
        "Size of the history, and of the newest part that is not yet packed. Good: below the dashed line, "
        "RETENTION_SIZE; there the oldest goes.",
        style.BYTES,
        over_time(f"sum({blocks})", "packed", "A"),
        over_time(f"sum({wal})", "newest", "B"),
        over_time(f"max({select('prometheus_tsdb_retention_limit_bytes')}) > 0", "total", "C"),
    )
    return panels.dashed(panel, "total").legend(style.legend("lastNotNull"))


def series() -> timeseries.Panel:
    """Return how many series there are."""
    return panels.graph(
        "Series",
        "Series that Prometheus holds in memory. Good: steady, about 200 a machine. Growing all the time: a "
        "label that is new in every scrape.",
        style.COUNT,
        over_time(f"sum({select('prometheus_tsdb_head_series')})", "series"),
    ).decimals(0)


def samples() -> timeseries.Panel:
    """Return how many samples are stored."""
    appended = select("prometheus_tsdb_head_samples_appended_total")
    return panels.graph(
        "Samples",
        "Samples stored a second. Good: steady, about 13 for each machine scraped every 15 s. One sample takes 1 "
        "to 2 bytes.",
        style.COUNT,
        over_time(f"sum(rate({appended}[$__rate_interval]))", "samples a second"),
    )


def cpu_of_each() -> timeseries.Panel:
    """Return the CPU of each part."""
    used = select("process_cpu_seconds_total")
    return panels.stacked(
        panels.graph(
            "CPU of each part",
            "Cores that each part of the stack uses; exporters added together. Good: below 0.1 in all for a few "
            "machines.",
            style.COUNT,
            over_time(f"sum by (job) (rate({used}[$__rate_interval]))", "{{job}}"),
        ).decimals(3)
    ).legend(style.legend("mean", "max", sort="Mean"))


def memory_of_each() -> timeseries.Panel:
    """Return the memory of each part."""
    return panels.stacked(
        panels.graph(
            "Memory of each part",
            "Memory that each part of the stack holds; exporters added together, about 40 MiB each. Good: steady.",
            style.BYTES,
            over_time(f"sum by (job) ({select('process_resident_memory_bytes')})", "{{job}}"),
        )
    ).legend(style.legend("mean", "max", sort="Max"))
