"""The exposition of a snapshot, in Prometheus text format or OpenMetrics."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.families import counters, gauge, gauges
from exporter.render.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.model import Reading, Snapshot
    from exporter.thresholds import Level, Thresholds


def encode(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """Return one exposition in the best format the ``Accept`` header allows, and its content type."""
    return Encoder().encode(families, accept)


def snapshot_families(
    snapshot: Snapshot, thresholds: Thresholds, only: frozenset[str] | None = None
) -> Iterable[Metric]:
    """Yield the families of all collectors, or of those in ``only``, and those of the exporter itself."""
    readings = [reading for reading in snapshot.readings if only is None or reading.collector in only]
    for reading in readings:
        yield from reading.families
    yield from exporter_families(readings, thresholds, snapshot.level())


def exporter_families(readings: Iterable[Reading], thresholds: Thresholds, level: Level) -> Iterable[Metric]:
    """Yield the machine's level and thresholds, each collector's duration and success, and the version."""
    yield from gauge(
        "host_level",
        "Level of the machine by its own limits, as on the status page: 0 ok, 1 warning, 2 critical.",
        level,
    )
    rows = [((reading.collector,), reading) for reading in readings]
    yield from gauges(
        "host_alert_threshold_ratio",
        "Usage at or above which this machine's owner wants an alert, 0-1; absent for a limit that is none.",
        ("resource", "severity"),
        [
            ((resource, str(level)), ratio)
            for resource, threshold in thresholds.items()
            for level, ratio in threshold.limits().items()
        ],
    )
    yield from gauges(
        "host_exporter_collector_duration_seconds",
        "Seconds the collector took in this sample.",
        ("collector",),
        [(k, reading.seconds) for k, reading in rows],
    )
    yield from gauges(
        "host_exporter_collector_success",
        "1 if the collector succeeded in this sample, 0 if it failed; missing hardware is not a failure.",
        ("collector",),
        [(k, reading.error is None) for k, reading in rows],
    )
    yield from counters(
        "host_exporter_collector_errors_total",
        "Samples in which the collector failed since the exporter started.",
        ("collector",),
        [(k, reading.errors) for k, reading in rows],
    )
    yield from counters(
        "host_exporter_values_dropped_total",
        "Values left out of samples since the exporter started, because no machine can have them, and parts of a "
        "subject that could not be read; the log names them. Only for collectors that have left out any.",
        ("collector",),
        [(k, reading.dropped or None) for k, reading in rows],
    )
    yield from gauges(
        "host_exporter_collector_age_seconds",
        "Seconds since the collector was read; only for those that change slowly, are not read in each sample and have "
        "found something.",
        ("collector",),
        [(k, reading.age_seconds if reading.section is not None else None) for k, reading in rows],
    )
    yield from gauges(
        "host_exporter_build_info",
        "Versions of the exporter and Python in the labels; the value is always 1.",
        ("version", "python"),
        [((__version__, platform.python_version()), 1)],
    )
