"""Metric families, checked: prometheus_client drops a missing label value without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def gauge(name: str, help_text: str, value: float | None) -> Iterable[GaugeMetricFamily]:
    """Yield a gauge without labels, or nothing where the value is not known."""
    if value is not None:
        yield GaugeMetricFamily(name, help_text, value=float(value))


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
            # What is no number must fail here, in its collector's guard, and not while all are encoded.
            family.add_metric(values, float(value))
    return bool(family.samples)
