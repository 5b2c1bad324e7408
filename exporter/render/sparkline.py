"""The sparklines of the status page: points in, SVG path out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import floor
from statistics import median
from typing import TYPE_CHECKING

from exporter.render.units import CLOSE, percent, span

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 300, 100
GAP = 90.0
"""Seconds without a sample after which the line is broken, since nobody knows what happened in between. Longer if
samples are usually further apart."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """``line`` and ``area`` are SVG path data in a box of WIDTH x HEIGHT; ``caption`` is the range in words.

    The last point is at the right edge, the first at the left, ``seconds`` earlier. HEIGHT minus y is the percentage,
    rounded down like all of them, so that the page's script can tell time and value of each point from the path.
    """

    line: str
    area: str
    caption: str
    seconds: float


def sparkline(samples: Sequence[tuple[float, float | None]]) -> Sparkline | None:
    """Return the line through (time in seconds, ratio 0-1) samples, None if there are fewer than two."""
    known = [(moment, ratio) for moment, ratio in samples if ratio is not None]
    if len(known) < 2 or known[-1][0] <= known[0][0]:
        return None
    begin, end = known[0][0], known[-1][0]
    line: list[str] = []
    area: list[str] = []
    last = begin
    gap = max(GAP, 3 * median(after - before for (before, _), (after, _) in pairwise(known)))
    for moment, ratio in known:
        x = (moment - begin) / (end - begin) * WIDTH
        y = HEIGHT - floor(min(1.0, max(0.0, ratio)) * 1000 + CLOSE) / 10
        if not line or moment - last > gap:
            if area:
                area.append(f"V{HEIGHT}Z")
            line.append(f"M{x:.1f} {y:.1f}")
            area.append(f"M{x:.1f} {HEIGHT}V{y:.1f}")
        else:
            line.append(f"L{x:.1f} {y:.1f}")
            area.append(f"L{x:.1f} {y:.1f}")
        last = moment
    ratios = [ratio for _, ratio in known]
    lowest, highest, time = percent(min(ratios)), percent(max(ratios)), span(end - begin, 1)
    # "19 % to 40 %" would read like a rise.
    caption = f"{lowest} for {time}" if lowest == highest else f"{lowest} to {highest} in {time}"
    return Sparkline("".join(line), "".join([*area, f"V{HEIGHT}Z"]), caption, end - begin)
