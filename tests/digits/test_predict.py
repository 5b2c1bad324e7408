"""POST /api/predict: predictions, and a clear 4xx for anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.digits.support import EXAMPLE, ask, comments, data_url, png, seven
from tests.support import Samples

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient


def test_a_clear_seven_is_answered_with_digit_and_certainty_in_percent(client: FlaskClient) -> None:
    answer = client.post("/api/predict", json={"image": data_url(png(seven()))})
    assert answer.status_code == 200
    assert answer.json is not None
    assert list(answer.json) == ["prediction", "certainty"]
    assert answer.json["prediction"] == 7
    certainty = answer.json["certainty"]
    assert 60 <= certainty <= 100
    assert certainty == round(certainty, 2)


def test_below_60_percent_the_error_says_how_certain_it_was(client: FlaskClient) -> None:
    drawn = (EXAMPLE / "drawn/8-two-rings.png").read_bytes()  # an 8 unlike any in the data set
    status, answer = ask(client, drawn)
    assert status == 422
    assert 10 <= answer["certainty"] < 60
    assert f"only {answer['certainty']:.2f} % certain" in answer["error"]
    assert "draw it larger" in answer["error"]


WAYS: dict[str, Callable[[], bytes]] = {
    "light on dark": lambda: png(seven(255, 0)),
    "grey on grey": lambda: png(seven(90, 170)),
    "colours": lambda: png(seven().convert("RGB")),
    "palette": lambda: png(seven().convert("P")),
    "one bit": lambda: png(seven().convert("1")),
    "grey and alpha": lambda: png(seven().convert("LA")),
    "16 bits": lambda: png(Image.fromarray(np.asarray(seven(), np.uint16) * 256)),
    "palette with a transparent colour": lambda: png(seven().convert("P"), transparency=255),
    "interlaced, with comments": lambda: png(seven(), pnginfo=comments(), interlace=1),
    "small": lambda: png(seven(size=28)),
    "largest": lambda: png(seven(size=2000)),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_png_shows_the_same_seven(client: FlaskClient, way: str) -> None:
    status, answer = ask(client, WAYS[way]())
    assert (status, answer.get("prediction")) == (200, 7), answer


def test_transparent_is_white_paper_whatever_colour_stands_behind_it(client: FlaskClient) -> None:
    for hidden in (0, 128, 255):
        ink = 255 - np.asarray(seven())
        colour = np.where(ink > 0, 0, hidden).astype(np.uint8)
        image = Image.merge("LA", (Image.fromarray(colour), Image.fromarray(ink)))
        assert ask(client, png(image))[1].get("prediction") == 7


def test_of_an_animation_the_first_picture_counts(client: FlaskClient) -> None:
    moving = png(seven(), save_all=True, append_images=[Image.new("L", (280, 280), 255)], duration=100)
    assert b"acTL" in moving
    assert ask(client, moving)[1].get("prediction") == 7


@pytest.mark.parametrize(
    "image", [Image.new("L", (280, 280), 255), Image.new("RGBA", (280, 280)), Image.new("L", (1, 1))]
)
def test_an_empty_picture_is_refused_as_such(client: FlaskClient, image: Image.Image) -> None:
    assert ask(client, png(image)) == (422, {"error": "the picture is empty; draw a digit"})


def test_a_dot_is_too_small_to_be_a_digit(client: FlaskClient) -> None:
    image = Image.new("L", (280, 280), 255)
    image.paste(0, (100, 100, 105, 105))
    status, answer = ask(client, png(image))
    assert status == 422
    assert "5 pixels large; make it larger" in answer["error"]


def test_every_outcome_is_counted_from_zero_on(client: FlaskClient) -> None:
    def counts() -> list[float | None]:
        samples = Samples.parse(client.get("/metrics").text)
        outcomes = [samples.value("predictions_total", outcome=name) for name in ("prediction", "uncertain", "refused")]
        return [*outcomes, samples.value("prediction_duration_seconds_count")]

    assert counts() == [0, 0, 0, 0]
    ask(client, png(seven()))
    ask(client, b"no PNG")
    client.post("/api/predict", data=b"", content_type="text/plain")
    assert counts() == [1, 0, 2, 1]


def test_a_slowed_prediction_is_measured_as_such(make_app: Callable[..., Flask]) -> None:
    client = make_app(slow=0.3).test_client()
    ask(client, png(seven()))
    samples = Samples.parse(client.get("/metrics").text)
    taken = samples.value("prediction_duration_seconds_sum")
    assert taken is not None
    assert taken >= 0.3
    assert samples.value("prediction_duration_seconds_bucket", le="0.25") == 0
    assert samples.value("prediction_duration_seconds_bucket", le="2.0") is not None
