"""Metric families, checked: prometheus_client drops a missing label value without a word, and shows any number."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LARGEST = 2.0**80
"""The kernel counts with 64 bits, in KiB at most; rates of what is smaller than this are finite, too."""

BELOW_ZERO = "_celsius"
"""Only a temperature may be negative."""


def gauge(name: str, help_text: str, value: float | None) -> Iterable[GaugeMetricFamily]:
    """Yield a gauge without labels, or nothing where the value is not known."""
    if value is not None:
        yield GaugeMetricFamily(name, help_text, value=_figure(name, value))


def gauges(
    name: str, help_text: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float | None]]
) -> Iterable[GaugeMetricFamily]:
    """Yield a gauge with labels; samples of unknown value are left out, an empty family is not shown."""
    family = GaugeMetricFamily(name, help_text, labels=labels)
    if _fill(family, labels, samples):
        yield family


def counters(
    name: str, help_text: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float | None]]
) -> Iterable[CounterMetricFamily]:
    """Yield a counter with labels; ``name`` ends in ``_total``. Unknown values are left out."""
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
            raise ValueError(f"{family.name} has the labels {list(labels)} and was given {list(values)}")
        # Names that differ only in what cannot be printed become one: the first has it, in all its families, since
        # a series that is there twice makes Prometheus drop one of them and warn at each scrape.
        if tuple(values) in seen:
            continue
        seen.add(tuple(values))
        if value is not None:
            family.add_metric(values, _figure(family.name, value))
    return bool(family.samples)


def _figure(name: str, value: float) -> float:
    """Return a value as a float. What is no figure of a machine raises ValueError.

    It must fail here, in its collector's guard, and not while all are encoded or a page is written: JSON has no NaN,
    and in OpenMetrics one negative counter spoils the whole answer.
    """
    number = float(value)
    if not isfinite(number) or number > LARGEST or (number < 0 and not name.endswith(BELOW_ZERO)):
        raise ValueError(f"{name} would be {number:g}, which is no figure of a machine")
    return number
