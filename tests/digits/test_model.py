"""The model's accuracy on digits that it never saw and on drawn ones, as the README states it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.digits.strokes import FORMS
from tests.digits.support import DRAWN, EXAMPLE

if TYPE_CHECKING:
    from digits.model import Model


def answers(model: Model) -> dict[str, tuple[bool, float]]:
    """Return, for each drawn PNG, whether the prediction is right, and its certainty in percent."""
    from digits.images import decoded, ink_of
    from digits.shape import cells

    found = {}
    for path in DRAWN:
        digit, share = model.predict(cells(ink_of(decoded(path.read_bytes()))))
        found[path.stem] = (str(digit) == path.name[0], 100 * share)
    return found


def test_every_form_of_each_digit_is_there() -> None:
    assert sorted(path.stem for path in DRAWN) == sorted(FORMS)
    assert {path.name[0] for path in DRAWN} == set("0123456789")


def test_most_unseen_digits_are_recognised(model: Model) -> None:
    assert model.accuracy >= 0.96


def test_parts_of_the_data_set_do_not_overlap() -> None:
    from digits import model

    parts = [set(range(1797)[part]) for part in (model.TRAINED, model.CALIBRATED, model.HELD_OUT)]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == 1797
    assert len(parts[2]) == 450


def test_drawn_digits_are_recognised_and_most_with_certainty(model: Model) -> None:
    found = answers(model)
    assert sum(right for right, _ in found.values()) >= 19
    assert sum(right and certainty >= 60 for right, certainty in found.values()) >= 17


def test_the_readme_states_these_figures(model: Model) -> None:
    text = " ".join((EXAMPLE / "README.md").read_text().split())
    said = re.search(
        r"\*\*([\d.]+) %\*\* of the (\d+) digits .* of the (\d+) PNGs in `drawn/` \*\*(\d+)\*\*, (\d+) of", text
    )
    assert said
    found = answers(model)
    # One digit in 450 is 0.22 %, and another processor may round one differently.
    assert float(said[1]) == pytest.approx(100 * model.accuracy, abs=0.3)
    assert [int(number) for number in said.groups()[1:]] == [
        450,
        len(found),
        sum(right for right, _ in found.values()),
        sum(right and certainty >= 60 for right, certainty in found.values()),
    ]


def test_training_gives_the_same_model_each_time(model: Model) -> None:
    from digits.model import train

    again = train()
    values = np.random.default_rng(2).uniform(0, 16, (20, 64))
    for row in values:
        assert again.predict(row) == model.predict(row)


@pytest.mark.parametrize("scale", [0.3, 1, 3])
def test_size_place_and_thickness_of_the_pen_hardly_change_the_shape(scale: float) -> None:
    from digits.shape import cells

    from tests.digits.support import seven

    usual = cells(1 - np.asarray(seven(), float) / 255)
    drawn = 1 - np.asarray(seven(size=int(280 * scale)), float) / 255
    moved = cells(np.pad(drawn, ((10, 90), (70, 0))))
    assert moved.min() >= 0
    assert moved.max() <= 16
    assert np.abs(moved - usual).mean() < 1
