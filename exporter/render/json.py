"""A snapshot as JSON: each section as a dict, with units in the names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exporter import __version__
from exporter.collectors.processes import Processes
from exporter.render.units import SPACE
from exporter.render.words import sentence

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds


def iso_time(seconds: float) -> str:
    """Return Unix time as ISO 8601 in UTC with milliseconds: "2026-01-31T08:05:00.250Z"."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stats(snapshot: Snapshot, thresholds: Thresholds) -> dict[str, Any]:
    """Return the whole snapshot as plain types: findings, levels, thresholds, collectors, one section per collector."""
    processes = snapshot.section(Processes)
    return {
        "time": iso_time(snapshot.time),
        "version": __version__,
        "level": str(snapshot.level()),
        "findings": [
            {
                "kind": finding.kind,
                "level": str(finding.level),
                "subject": finding.subject,
                "text": sentence(finding, processes).replace(SPACE, " "),
            }
            for finding in snapshot.findings()
        ],
        "levels": [
            {
                "resource": finding.resource,
                "subject": finding.subject,
                "usage_ratio": finding.ratio,
                "level": str(finding.level),
                "threshold_ratio": finding.limit,
            }
            for finding in snapshot.assessed()
            if finding.resource
        ],
        "thresholds": {
            resource: {"warning_ratio": threshold.warning, "critical_ratio": threshold.critical}
            for resource, threshold in thresholds.items()
        },
        "collectors": {
            reading.collector: {
                "success": reading.error is None,
                "error": reading.error,
                "errors_total": reading.errors,
                "values_dropped_total": reading.dropped,
                "duration_seconds": reading.seconds,
                "age_seconds": reading.age_seconds,
            }
            for reading in snapshot.readings
        },
        **{reading.collector: plain(reading.section) for reading in snapshot.readings},
    }


def dumps(snapshot: Snapshot, thresholds: Thresholds) -> str:
    """Return the snapshot as indented JSON text."""
    return json.dumps(stats(snapshot, thresholds), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a section as dicts, lists and numbers, without its hidden fields."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if not f.metadata.get("hidden")}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
