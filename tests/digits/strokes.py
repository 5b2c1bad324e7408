"""Two ways to write each digit, as points along the strokes, and a hand that draws them in a browser.

Recorded once from common handwriting, before the model saw any of them, and not changed since. A unit is a
hundredth of the digit's height; x grows to the right, y downwards.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Stroke = list[tuple[float, float]]

FORMS: dict[str, list[list[tuple[float, float]]]] = {
    "0-round": [[(38, 2), (14, 12), (3, 40), (6, 75), (28, 98), (54, 92), (70, 62), (66, 24), (46, 3), (34, 4)]],
    "0-narrow": [[(40, 4), (20, 8), (8, 45), (10, 84), (26, 99), (42, 86), (50, 48), (44, 10), (30, 1)]],
    "1-stroke": [[(12, 0), (11, 35), (9, 70), (8, 100)]],
    "1-serif": [[(4, 26), (18, 14), (30, 1)], [(30, 1), (29, 50), (28, 100)]],
    "2-round": [[(4, 24), (14, 5), (36, 0), (54, 12), (54, 34), (36, 60), (4, 98)], [(4, 98), (34, 96), (62, 98)]],
    "2-looped": [[(8, 18), (24, 2), (46, 6), (52, 28), (36, 60), (12, 88), (6, 94), (16, 84), (34, 92), (60, 94)]],
    "3-round": [
        [(6, 12), (26, 0), (48, 8), (50, 28), (36, 44), (22, 47)],
        [(22, 47), (46, 54), (56, 74), (42, 95), (18, 99), (2, 88)],
    ],
    "3-flowing": [[(8, 6), (30, 2), (46, 16), (38, 36), (24, 46), (44, 54), (52, 76), (36, 97), (6, 94)]],
    "4-open": [[(22, 0), (14, 28), (4, 58)], [(4, 58), (34, 57), (66, 54)], [(48, 30), (44, 64), (38, 100)]],
    "4-closed": [[(46, 2), (24, 34), (2, 66)], [(2, 66), (34, 66), (68, 65)], [(46, 2), (46, 50), (45, 100)]],
    "5-two-strokes": [
        [(12, 4), (10, 24), (8, 42), (28, 38), (50, 50), (54, 74), (36, 96), (4, 92)],
        [(12, 4), (34, 3), (56, 0)],
    ],
    "5-one-stroke": [
        [(56, 2), (36, 4), (16, 6)],
        [(16, 6), (13, 24), (10, 44), (34, 42), (52, 58), (50, 84), (28, 99), (4, 90)],
    ],
    "6-straight": [[(44, 0), (24, 26), (8, 58), (8, 84), (28, 99), (50, 88), (52, 66), (32, 56), (10, 70)]],
    "6-curled": [[(54, 10), (36, 2), (16, 18), (4, 52), (10, 88), (34, 99), (54, 82), (48, 60), (26, 56), (8, 72)]],
    "7-plain": [[(2, 4), (30, 4), (58, 2)], [(58, 2), (40, 48), (24, 100)]],
    "7-barred": [[(2, 8), (28, 5), (56, 4)], [(56, 4), (38, 46), (22, 100)], [(18, 52), (38, 50), (58, 48)]],
    "8-one-stroke": [
        [
            (50, 14),
            (32, 1),
            (12, 12),
            (16, 34),
            (40, 52),
            (56, 76),
            (36, 98),
            (10, 90),
            (8, 68),
            (34, 48),
            (52, 26),
            (48, 10),
        ]
    ],
    "8-two-rings": [
        [(30, 0), (12, 12), (14, 36), (30, 46), (46, 34), (46, 12), (30, 0)],
        [(30, 46), (8, 60), (6, 86), (30, 99), (54, 86), (52, 60), (30, 46)],
    ],
    "9-straight": [
        [(50, 18), (34, 2), (12, 8), (4, 28), (16, 46), (38, 42), (50, 18)],
        [(50, 18), (46, 60), (40, 100)],
    ],
    "9-curled": [[(50, 14), (28, 1), (8, 16), (12, 40), (36, 44), (50, 16), (54, 44), (46, 82), (26, 99), (6, 92)]],
}


@dataclass(frozen=True, slots=True)
class Hand:
    """How somebody writes: height and position as fractions of the paper, pen width in its 560 pixels."""

    height: float
    left: float
    top: float
    pen: float
    tremble: float
    seed: int


def hand_of(form: str) -> Hand:
    """Return a hand for a form: small or large, thick or thin, in any corner; always the same one for a form."""
    chance = random.Random(form)
    height = chance.uniform(0.42, 0.85)
    return Hand(
        height=height,
        left=chance.uniform(0.06, max(0.07, 0.94 - 0.7 * height)),
        top=chance.uniform(0.06, 0.94 - height),
        pen=chance.uniform(18, 46),
        tremble=0.008,
        seed=chance.randrange(1000),
    )


def smooth(points: Stroke, steps: int = 8) -> Stroke:
    """Return the curve through the points (Catmull-Rom), because a hand makes no corners within a stroke."""
    padded = [points[0], *points, points[-1]]
    curve = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            t = step / steps
            curve.append(
                tuple(
                    0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
                    for p, q, r, s in zip(a, b, c, d, strict=True)
                )
            )
    return [(x, y) for x, y in [*curve, points[-1]]]


def draw(page: Page, form: str, hand: Hand | None = None) -> None:
    """Draw a form on the page with the mouse, trembling a little."""
    hand = hand or hand_of(form)
    chance = random.Random(hand.seed)
    paper = page.locator("canvas")
    paper.evaluate("(paper, width) => { paper.getContext('2d').lineWidth = width; }", hand.pen)
    box = paper.bounding_box()
    assert box
    for stroke in FORMS[form]:
        for number, (x, y) in enumerate(smooth(stroke)):
            across = hand.left + hand.height * x / 100 + chance.gauss(0, hand.tremble * hand.height)
            down = hand.top + hand.height * y / 100 + chance.gauss(0, hand.tremble * hand.height)
            page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
            if number == 0:
                page.mouse.down()
        page.mouse.up()
