"""Findings: each collector reports what is wrong in its own section; every level shown anywhere follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, trunc
from typing import TYPE_CHECKING, Any, Literal

from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.thresholds import Threshold, Thresholds

Culprits = Literal["", "cpu", "memory", "faults", "gone", "threads"]
"""What the programs that a finding names have most of; ``gone``: those that ended when the kernel killed some."""

COLLECTOR_FAILING = "HostCollectorFailing"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing is doing. ``kind`` is the name of its alert in alerts.yml and of that alert's runbook.

    The sentence shown to people starts with ``what`` and ``subject`` ("Filesystem", "/srv"), unless ``what`` is empty
    because ``reason`` is a whole sentence. It ends with ``ratio`` (0 to 1) and ``limit``, or with ``reason``, and names
    programs by their ``culprits``. ``resource`` is set if the limit is one of the owner's thresholds; only then can the
    level be OK. ``below`` means the ratio must stay above the limit. ``missing`` means the figures cannot
    be read, so their state is unknown. ``over`` means that only its alert has not ended yet. ``named`` means that
    ``what`` names the subject, which is a label's value, in words. ``runbook`` is an address other than that of its
    kind, empty if there is none.
    """

    kind: str
    level: Level
    what: str
    subject: str = ""
    ratio: float | None = None
    limit: float | None = None
    reason: str = ""
    resource: str = ""
    culprits: Culprits = ""
    below: bool = False
    missing: bool = False
    over: bool = False
    named: bool = False
    runbook: str | None = None


def against(
    threshold: Threshold,
    ratio: float | None,
    *,
    kind: str,
    resource: str,
    what: str,
    subject: str = "",
    culprits: Culprits = "",
) -> Iterable[Finding]:
    """Compare a usage ratio with its threshold; yield nothing if the ratio is unknown or no limit is set.

    ``limit`` is the limit reached, or the lowest if none was.
    """
    limits = threshold.limits()
    if ratio is not None and limits:
        level = threshold.level(ratio)
        limit = limits.get(level, min(limits.values()))
        yield Finding(kind, level, what, subject, ratio, limit, resource=resource, culprits=culprits)


def degrees(celsius: float) -> str:
    """Return degrees Celsius with one decimal, cut as in emails: never a limit that is not reached."""
    return f"{trunc(celsius * 10 + copysign(1e-6, celsius)) / 10:.1f}"


def none_yet(_section: Any, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield nothing: for a collector whose figures have no limits."""
    return ()


def failing(collector: str, error: str) -> Finding:
    """Return the finding for a collector that failed; ``error`` is one line."""
    reason = f"are missing: {error}"
    return Finding(COLLECTOR_FAILING, Level.WARNING, "The figures for", collector, reason=reason, missing=True)


def worst(found: Iterable[Finding]) -> Level:
    """Return the worst level among these findings, OK if there are none."""
    return max((finding.level for finding in found), default=Level.OK)
