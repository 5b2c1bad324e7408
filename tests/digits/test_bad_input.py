"""POST /api/predict: a clear 4xx, never a 5xx, for anything that is not an image."""

from __future__ import annotations

import base64
import json
import random
import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.digits.support import ask, comments, data_url, png, seven

if TYPE_CHECKING:
    from flask.testing import FlaskClient


def refusal(client: FlaskClient, body: bytes | str, content_type: str = "application/json") -> tuple[int, str]:
    """Return status and error of a response that must be a 4xx with a one-line message."""
    answer = client.post("/api/predict", data=body, content_type=content_type)
    assert 400 <= answer.status_code < 500
    assert answer.json is not None
    assert list(answer.json) == ["error"]
    error: str = answer.json["error"]
    assert 10 < len(error) < 150
    assert error.isprintable()
    return answer.status_code, error


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(width: int, height: int, idat: bytes, bits: int = 8) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def with_image(image: str) -> str:
    return json.dumps({"image": image})


GOOD = png(seven())
BODIES: dict[str, tuple[int, str, str | bytes]] = {
    "nothing": (400, "not JSON", b""),
    "no JSON": (400, "not JSON", "image=7"),
    "no text at all": (400, "not JSON", b"\xff\xfe\x00"),
    "deep": (400, "not JSON", "[" * 100_000),
    "a list": (400, '"image"', "[1]"),
    "null": (400, '"image"', "null"),
    "no image": (400, '"image"', '{"picture": 1}'),
    "NaN": (400, '"image"', '{"image": NaN}'),
    "a huge number": (400, "not JSON", '{"image": ' + "9" * 10_000 + "}"),
    "no data URL": (400, "data URL", with_image("https://example.org/7.png")),
    "a data URL without base64": (400, "data URL", with_image("data:image/png,abc")),
    "no comma": (400, "data URL", with_image("data:image/png;base64")),
    "JPEG": (400, "not a PNG", with_image(data_url(GOOD, "image/jpeg"))),
    "JPEG called PNG": (400, "not a PNG", with_image(data_url(b"\xff\xd8\xff\xe0" + bytes(100)))),
    "broken base64": (400, "base64", with_image(data_url(GOOD)[:-3])),
    "letters that base64 has not": (400, "base64", with_image("data:image/png;base64,ä\ud800*")),
    "nothing in the URL": (400, "not a PNG", with_image("data:image/png;base64,")),
    "no header": (400, "not a PNG", with_image(data_url(GOOD[:8]))),
    "another chunk first": (400, "broken", with_image(data_url(GOOD[:8] + chunk(b"tEXt", bytes(20))))),
    "cut off": (400, "broken or truncated", with_image(data_url(GOOD[: len(GOOD) // 2]))),
    "no pixels": (400, "broken or truncated", with_image(data_url(raw_png(0, 0, zlib.compress(b""))))),
    "no such depth": (400, "broken or truncated", with_image(data_url(raw_png(9, 9, zlib.compress(b""), bits=77)))),
    "a bomb": (422, "10000 x 10000 pixels; at most 2000 x 2000", with_image(data_url(raw_png(10_000, 10_000, b"")))),
    "a wide bomb": (422, "at most", with_image(data_url(raw_png(2_147_483_647, 1, b"")))),
    "a bomb of text": (
        400,
        "broken",
        with_image(data_url(GOOD[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)) + GOOD[33:])),
    ),
}


@pytest.mark.parametrize("case", BODIES)
def test_bad_input_is_refused_in_words(client: FlaskClient, case: str) -> None:
    status, words, body = BODIES[case]
    found, error = refusal(client, body)
    assert (found, words in error) == (status, True), error


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_is_not_called_json_is_415(client: FlaskClient, content_type: str) -> None:
    status, error = refusal(client, with_image(data_url(GOOD)), content_type)
    assert status == 415
    assert "Content-Type: application/json" in error


def test_the_data_url_may_have_capitals_and_parameters(client: FlaskClient) -> None:
    encoded = base64.b64encode(GOOD).decode()
    for start in ("DATA:IMAGE/PNG;BASE64,", "data:image/png;charset=utf-8;base64,"):
        assert ask(client, start + encoded)[0] == 200


def test_more_pixels_behind_a_small_header_are_never_unpacked(client: FlaskClient) -> None:
    """400 MB of zeros in 400 kB: only the rows that the header announces are unpacked."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(10_000_000)) for _ in range(40)) + packer.flush()
    tracemalloc.start()
    status, _ = ask(client, raw_png(100, 100, packed))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 400 <= status < 500
    assert peak < 50e6


def test_a_second_header_is_not_believed(client: FlaskClient) -> None:
    """Pillow uses the last one; 9,000 x 9,000 pixels are 81 MB of memory, which tracemalloc does not see."""
    resource = pytest.importorskip("resource")  # Unix
    small, large = raw_png(10, 10, b""), raw_png(9_000, 9_000, zlib.compress(bytes(1000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status, answer = ask(client, small[:33] + large[8:])
    assert (status, answer["error"]) == (400, "the PNG is broken")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000, "KiB"


@pytest.mark.parametrize("pixels", [2, 10, 30])
def test_scattered_pixels_are_too_thin(client: FlaskClient, pixels: int) -> None:
    chance = random.Random(pixels)
    places = [(0, 0), (1999, 1999), *((chance.randrange(2000), chance.randrange(2000)) for _ in range(pixels - 2))]
    image = Image.new("L", (2000, 2000), 255)
    for place in places:
        image.putpixel(place, 0)
    status, answer = ask(client, png(image))
    assert status == 422
    assert "error" in answer


def test_no_change_of_a_png_leads_to_a_5xx(client: FlaskClient) -> None:
    chance = random.Random(3)
    originals = [
        png(seven(size=40)),
        png(seven(size=40).convert("P")),
        png(seven(size=40).convert("LA"), pnginfo=comments()),
    ]
    for _ in range(600):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(8, len(data))
            data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        status, answer = ask(client, bytes(data))
        assert status in {200, 400, 422}, (status, answer, bytes(data))
