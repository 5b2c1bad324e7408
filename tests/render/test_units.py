"""Figures for people."""

from __future__ import annotations

import pytest

from exporter.render.units import UNKNOWN, limit, link_speed, number, percent, rate, size, span, unbroken, wait

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 ms"), (0.00034, "0.3 ms"), (0.01, "10 ms"), (0.4994, "499 ms"), (1.0, "1.0 s"), (31.24, "31.2 s")],
)
def test_a_wait_is_in_milliseconds_up_to_a_second(seconds: float, text: str) -> None:
    assert plain(wait(seconds)) == text
    assert wait(None) == UNKNOWN


def plain(text: str) -> str:
    return text.replace(NBSP, " ")


@pytest.mark.parametrize(
    ("ratio", "digits", "text"),
    [
        (0.0, 0, "0 %"),
        (0.934, 0, "93 %"),
        (0.936, 0, "93 %"),
        (0.8999, 0, "89 %"),
        (0.29, 0, "29 %"),
        (0.57, 0, "57 %"),
        (0.9949, 0, "99 %"),
        (0.995, 0, "99 %"),
        (0.999999, 0, "99 %"),
        (1.0, 0, "100 %"),
        (0.9999, 1, "99.9 %"),
        (0.99951, 1, "99.9 %"),
        (1.0, 1, "100.0 %"),
        (1.04, 0, "104 %"),
        (3.875, 1, "387.5 %"),
        (0.00004, 1, "0.0 %"),
        (None, 0, UNKNOWN),
    ],
)
def test_percent_is_rounded_down_so_that_no_limit_seems_reached_before_it_is(
    ratio: float | None, digits: int, text: str
) -> None:
    assert plain(percent(ratio, digits)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (99.9 * 1024, "99.9 KiB"),
        (100 * 1024, "100 KiB"),
        (999 * 1024, "999 KiB"),
        (1023 * 1024, "1.0 MiB"),
        (1024**2, "1.0 MiB"),
        (12.14 * 1024**3, "12.1 GiB"),
        (4 * 1024**4, "4.0 TiB"),
        (2 * 1024**5, "2.0 PiB"),
        (5000 * 1024**5, "5000 PiB"),
        (None, UNKNOWN),
    ],
)
def test_sizes_have_three_figures(count: float | None, text: str) -> None:
    assert plain(size(count)) == text


def test_sizes_never_need_more_than_four_characters_and_are_true_to_five_percent() -> None:
    units = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4, "PiB": 1024**5}
    count = 1.0
    while count < 900 * units["PiB"]:
        figure, unit = plain(size(count)).split()
        assert len(figure) <= 4
        # Bytes are whole numbers: 1.4 B is shown as 1 B, and no machine has half a byte.
        assert float(figure) * units[unit] == pytest.approx(count, rel=0.05, abs=0.5)
        count *= 1.07


def test_a_figure_and_its_unit_stay_on_one_line() -> None:
    for text in (percent(0.5), size(5000), rate(5000), link_speed(125_000_000)):
        assert " " not in text
        assert NBSP in text


def test_a_line_of_text_does_not_break_between_a_figure_and_its_unit() -> None:
    text = "CPU 97_% (limit 90_%), 4_GiB of 512_B, 71_°C, nginx 0.30_cores, 3 hours, 2 Bands"
    assert unbroken(text.replace("_", " ")) == text.replace("_", NBSP)


def test_rates_are_sizes_per_second() -> None:
    assert plain(rate(1536.0)) == "1.5 KiB/s"
    assert plain(rate(0.0)) == "0 B/s"
    assert rate(None) == UNKNOWN


@pytest.mark.parametrize(
    ("bytes_per_second", "text"),
    [(125_000_000, "1 Gbit/s"), (1_250_000, "10 Mbit/s"), (312_500_000, "2.5 Gbit/s"), (0, UNKNOWN), (None, UNKNOWN)],
)
def test_a_link_has_the_speed_on_its_box(bytes_per_second: float | None, text: str) -> None:
    assert plain(link_speed(bytes_per_second)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (725, "12 min 5 s"),
        (3600, "1 h 0 min"),
        (3661, "1 h 1 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
        (90061, "1 d 1 h"),
        (400 * 86400 + 3600 * 5, "400 d 5 h"),
        (None, UNKNOWN),
    ],
)
def test_a_span_has_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert plain(span(seconds)) == text


def test_a_number_has_a_fixed_number_of_decimals() -> None:
    assert number(1.5) == "1.50"
    assert number(41.26, 1) == "41.3"
    assert number(None) == UNKNOWN


@pytest.mark.parametrize(("ratio", "text"), [(0.9, "90 %"), (0.925, "92.5 %"), (1.0, "100 %"), (0.29, "29 %")])
def test_limits_are_shown_as_they_were_set(ratio: float, text: str) -> None:
    assert plain(limit(ratio)) == text
