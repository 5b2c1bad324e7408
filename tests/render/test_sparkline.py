"""The sparklines of the page: path data that a browser can draw."""

from __future__ import annotations

import re

import pytest

from exporter.render.sparkline import GAP, HEIGHT, WIDTH, sparkline
from exporter.sampling.history import LENGTH, History
from tests.render.figures import cpu, memory, snapshot

POINT = re.compile(r"[ML](-?[\d.]+) (-?[\d.]+)")


def _points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in POINT.findall(path)]


def test_a_line_goes_from_edge_to_edge_and_upwards_with_the_ratio() -> None:
    spark = sparkline([(10.0, 0.0), (15.0, 0.5), (20.0, 1.0)])
    assert spark is not None
    assert _points(spark.line) == [(0, HEIGHT), (WIDTH / 2, HEIGHT / 2), (WIDTH, 0)]
    assert spark.area.startswith(f"M0.0 {HEIGHT}V")
    assert spark.area.endswith(f"V{HEIGHT}Z")


@pytest.mark.parametrize(
    "samples",
    [[], [(1.0, 0.5)], [(1.0, None), (2.0, None)], [(1.0, None), (2.0, 0.5), (3.0, None)], [(1.0, 0.5), (1.0, 0.6)]],
    ids=["none", "one point", "nothing known", "one known", "no time between"],
)
def test_fewer_than_two_points_make_no_line(samples: list[tuple[float, float | None]]) -> None:
    assert sparkline(samples) is None


def test_a_gap_breaks_the_line_and_closes_the_area() -> None:
    samples = [(0.0, 0.5), (10.0, 0.5), (10.0 + GAP + 1, 0.5), (20.0 + GAP + 1, 0.5)]
    spark = sparkline(samples)
    assert spark is not None
    assert spark.line.count("M") == spark.area.count("M") == spark.area.count("Z") == 2
    # Each part of the area ends at its own last point, not where the next part begins.
    assert spark.area.index("Z") < spark.area.rindex("M")


@pytest.mark.parametrize(
    ("times", "lines"),
    [
        ((0, 15, 30, 90), 1),
        ((0, 15, 30, 150), 2),
        ((0, 120, 240, 360), 1),  # nothing is missing if samples are always that far apart
        ((0, 120, 240, 1000), 2),
        ((0, 120), 1),
    ],
)
def test_a_time_without_samples_is_a_gap(times: tuple[int, ...], lines: int) -> None:
    spark = sparkline([(time, 0.5) for time in times])
    assert spark is not None
    assert spark.line.count("M") == lines


def test_unknown_values_are_skipped() -> None:
    spark = sparkline([(0.0, 0.25), (1.0, None), (2.0, 0.75)])
    assert spark is not None
    assert len(_points(spark.line)) == 2


def test_the_line_never_leaves_its_box() -> None:
    spark = sparkline([(0.0, -0.5), (1.0, 1.5), (2.0, 1.0)])
    assert spark is not None
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in _points(spark.line))


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ((0.123, 0.999), "12 % to 99 % in 12 min"),
        ((0.999, 0.123), "12 % to 99 % in 12 min"),
        ((0.191, 0.198), "19 % for 12 min"),
    ],
    ids=["rising", "falling", "the same when written"],
)
def test_the_caption_gives_the_range_in_words(ratios: tuple[float, float], words: str) -> None:
    spark = sparkline([(0.0, ratios[0]), (725.0, ratios[1])])
    assert spark is not None
    assert spark.caption.replace("\u00a0", " ") == words


def test_the_history_keeps_the_last_300_samples_and_gaps_in_what_is_known() -> None:
    history = History()
    history.add(snapshot(failed={"cpu": "no"}))
    for number in range(LENGTH + 5):
        history.add(snapshot(cpu(number / 1000), memory(0.5)))
    points = history.points()
    assert len(points) == LENGTH == 300
    assert [points[0].cpu, points[-1].cpu] == [0.005, 0.304]
    assert points[0].filesystem is None
