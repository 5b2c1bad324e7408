"""The exposition is, byte for byte, what prometheus_client would write, the first time and every time after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Histogram, Summary
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, UnknownMetricFamily
from prometheus_client.exposition import choose_encoder

from exporter.render.encoder import FORMATS, Encoder
from exporter.render.exposition import snapshot_families
from tests.machines import FixtureMachine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ACCEPTED = (
    "",
    "text/plain;version=1.0.0;escaping=allow-utf-8",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2",
    "application/openmetrics-text;version=0.0.1;q=0.1,*/*;q=0.1",
)


class _Registry(CollectorRegistry):
    """A registry of given families."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._given = families

    def collect(self) -> Iterable[Metric]:
        return self._given


def library(families: Iterable[Metric], accept: str) -> bytes:
    return choose_encoder(accept)[0](_Registry(families))


def holds(*scrapes: Sequence[Metric]) -> None:
    """Check that one encoder writes scrape after scrape as the library writes each, in every format."""
    encoder = Encoder()
    for families in scrapes:
        for accept in ACCEPTED:
            body, content_type = encoder.encode(families, accept)
            assert body == library(families, accept)
            assert content_type == choose_encoder(accept)[1]


def gauge(value: float, **labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily("a_ratio", 'Help with "quotes", \\ and\na second line.', labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def test_a_whole_machine_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch)
    thresholds = laptop.settings.thresholds()
    first, later = laptop.sample(), laptop.later()
    scrapes = [list(snapshot_families(each, thresholds)) for each in (first, first, later, first)]
    assert len(scrapes[0]) > 50
    holds(*scrapes)


@pytest.mark.parametrize("value", [0, 1.0, -0.0, 1e6, 1e7, 123456789.0, 2.5e-9, 2**60, math.inf, -math.inf, math.nan])
def test_values_of_every_kind(value: float) -> None:
    holds([gauge(1.5, a="x")], [gauge(value, a="x")])


def test_what_tells_two_samples_apart_is_never_mixed_up() -> None:
    holds(
        [gauge(1, a="b", b="a")],
        [gauge(2, b="a", a="b")],
        [gauge(3, a="b")],
        [gauge(4, b="a")],
        [gauge(5, a="", b="a")],
        [gauge(6)],
        [CounterMetricFamily("a_ratio", "Help.", value=7)],
        [CounterMetricFamily("a_ratio", "Other help.", value=8)],
        [UnknownMetricFamily("a_ratio", "Other help.", value=9)],
        [GaugeMetricFamily("a_ratio", "Other help.", value=9, unit="ratio")],
        [],
    )


def test_other_types_timestamps_and_moments_of_creation() -> None:
    registry = CollectorRegistry()
    took = Histogram("took_seconds", "Help.", ["route"], registry=registry)
    size = Summary("size_bytes", "Help.", registry=registry)
    Gauge("busy", "Help.", registry=registry).set(1)
    took.labels("/").observe(0.2, {"trace_id": "1"})
    size.observe(3)
    stamped = GaugeMetricFamily("stamped", "Help.")
    stamped.add_metric([], 1, timestamp=1700000000.0)
    created = CounterMetricFamily("made", "Help.")
    created.add_metric([], 1, created=1700000000.0)
    holds(*(([*registry.collect(), stamped, created]) for _ in range(3)))


LABELS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(max_size=4), max_size=3)


@given(st.lists(st.lists(st.tuples(LABELS, st.floats()), max_size=4), max_size=4))
def test_any_labels(scrapes: list[list[tuple[dict[str, str], float]]]) -> None:
    found = []
    for samples in scrapes:
        family = Metric("any", "Help.", "gauge")
        for labels, value in samples:
            family.add_sample("any", labels, value)
        found.append([family])
    holds(*found)


def test_lines_that_are_no_longer_needed_are_forgotten() -> None:
    encoder = Encoder()
    for number in range(200):
        for accept in ACCEPTED:
            encoder.encode([gauge(1, name=f"program {number}")], accept)
    assert {len(texts) for texts in encoder._texts.values()} == {2}, "a head and a line in each format"


def test_a_client_that_invents_versions_fills_no_memory() -> None:
    encoder = Encoder()
    for number in range(50):
        accept = f"application/openmetrics-text;version=1.0.{number}"
        assert encoder.encode([gauge(1)], accept)[0] == library([gauge(1)], accept)
    assert len(encoder._texts) == FORMATS


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=a", "text/plain;version=1.0.0;escaping=x"])
def test_a_header_that_makes_no_sense_gets_the_plain_format(accept: str) -> None:
    assert Encoder().encode([gauge(1)], accept)[0] == library([gauge(1)], "")
