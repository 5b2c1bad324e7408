"""What is not well: each collector says it of its own section, and everything that shows a level follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.thresholds import Threshold, Thresholds

COLLECTOR_FAILING = "HostCollectorFailing"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is doing. ``kind`` is the name of its alert in alerts.yml, which has a runbook of that name.

    A sentence is built from ``what`` and ``subject`` ("Filesystem", "/srv"), then either ``ratio`` (0 to 1) against
    ``limit``, or ``reason``, the rest of the sentence. ``resource`` is set where the limit is one of the owner's
    thresholds; only there can the level be OK. ``below``: the ratio has to stay above its limit. ``missing``: the
    figures cannot be read, so nobody knows whether all is well.
    """

    kind: str
    level: Level
    what: str
    subject: str = ""
    ratio: float | None = None
    limit: float | None = None
    reason: str = ""
    resource: str = ""
    below: bool = False
    missing: bool = False


def against(
    threshold: Threshold, ratio: float | None, *, kind: str, resource: str, what: str, subject: str = ""
) -> Iterable[Finding]:
    """Yield how a usage ratio does against its threshold, or nothing where the ratio is unknown.

    ``limit`` is the threshold that was reached, or the warning threshold where none was.
    """
    if ratio is not None:
        level = threshold.level(ratio)
        limit = threshold.critical if level is Level.CRITICAL else threshold.warning
        yield Finding(kind, level, what, subject, ratio, limit, resource=resource)


def none_yet(_section: Any, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield nothing: the findings of a collector whose figures have no limit."""
    return ()


def failing(collector: str, error: str) -> Finding:
    """Return the finding for a collector that failed, with its error in one line."""
    reason = f"are missing: {error}"
    return Finding(COLLECTOR_FAILING, Level.WARNING, "The figures for", collector, reason=reason, missing=True)


def worst(found: Iterable[Finding]) -> Level:
    """Return the worst level of some findings, OK where there are none."""
    return max((finding.level for finding in found), default=Level.OK)
