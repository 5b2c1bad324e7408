"""Checked metric families: prometheus_client silently accepts missing label values and impossible numbers."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from exporter.plausible import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BELOW_ZERO = ("_celsius", "_offset_seconds", "_volts")
"""Only temperatures, voltages and the offsets of clocks may be negative."""


def gauge(name: str, help_text: str, value: float | None) -> Iterable[GaugeMetricFamily]:
    """Yield a gauge without labels, or nothing if the value is unknown."""
    if value is not None:
        yield GaugeMetricFamily(name, help_text, value=_figure(name, value))


def gauges(
    name: str, help_text: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float | None]]
) -> Iterable[GaugeMetricFamily]:
    """Yield a gauge with labels; omits samples whose value is unknown, and the family if none remain."""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    if _fill(family, labels, samples):
        yield family


def counter(name: str, help_text: str, value: float | None) -> Iterable[CounterMetricFamily]:
    """Yield a counter without labels, or nothing if the value is unknown; ``name`` ends in ``_total``."""
    if value is not None:
        yield CounterMetricFamily(name, help_text, value=_figure(name, value))


def counters(
    name: str, help_text: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float | None]]
) -> Iterable[CounterMetricFamily]:
    """Yield a counter with labels; ``name`` ends in ``_total``. Omits samples whose value is unknown."""
    family = CounterMetricFamily(name, help_text, labels=labels)
    if _fill(family, labels, samples):
        yield family


def _fill(
    family: GaugeMetricFamily | CounterMetricFamily,
    labels: Sequence[str],
    samples: Iterable[tuple[Sequence[str], float | None]],
) -> bool:
    seen = set()
    for values, value in samples:
        if len(values) != len(labels):
            raise ValueError(f"{family.name} has the labels {list(labels)} but got the values {list(values)}")
        # Names that differ only in unprintable characters end up equal. The first one wins in every family: for a
        # duplicate series Prometheus drops one sample and logs a warning at each scrape.
        if tuple(values) in seen:
            continue
        seen.add(tuple(values))
        if value is not None:
            family.add_metric(values, _figure(family.name, value))
    return bool(family.samples)


def _figure(name: str, value: float) -> float:
    """Return a value as a float. Raises ValueError for one that no machine could have.

    Sections hold no such values (see plausible.py); this guards what ``metrics`` computes from them. It must fail here,
    where only its own collector is affected, not while the whole response is encoded: JSON has no NaN, and in
    OpenMetrics one negative counter invalidates the entire exposition.
    """
    number = float(value)
    if not isfinite(number) or number > LARGEST or (number < 0 and not name.endswith(BELOW_ZERO)):
        raise ValueError(f"{name} would be {number:g}, an impossible value")
    return number
