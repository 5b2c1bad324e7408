"""Decodes a request into a picture, and a picture into its ink. Anything that is not a drawn digit gets a 4xx."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnprocessableEntity, UnsupportedMediaType

if TYPE_CHECKING:
    from flask import Request
    from numpy.typing import NDArray

LARGEST = 2_000_000  # bytes of a request's body
MOST_PIXELS = 2000  # a side
LEAST_INK = 8  # pixels, the longer side of what is drawn
LEAST_CONTRAST = 40  # of 255, between ink and paper
DATA_URL = re.compile(r"data:([^,;]*)[^,]*?(;base64)?,", re.IGNORECASE)
PNG = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">8sI4sII")  # signature, length and name of the first chunk, width, height


def received(request: Request) -> bytes:
    """Return the bytes of the PNG in a request with ``{"image": "data:image/png;base64,..."}``, still undecoded.

    Raises 413 if the body is too large, 415 if its content type is not JSON, 400 if it holds something else.
    """
    if not request.is_json:
        raise UnsupportedMediaType('send JSON with the header "Content-Type: application/json"')
    data = request.get_data(cache=False)
    if len(data) > LARGEST:  # a chunked body has no length; Werkzeug silently truncates it
        raise RequestEntityTooLarge
    try:
        body: Any = json.loads(data)
    except (ValueError, RecursionError):  # RecursionError: "[[[[[[..."
        raise BadRequest("the body is not JSON") from None
    image = body.get("image") if isinstance(body, dict) else None
    if not isinstance(image, str):
        raise BadRequest('send {"image": "data:image/png;base64,..."}: the body has no string "image"')
    url = DATA_URL.match(image)
    if url is None or not url[2]:
        raise BadRequest('"image" is not a data URL that starts with data:image/png;base64,')
    if url[1].lower() != "image/png":
        raise BadRequest('"image" is not a PNG: its data URL must start with data:image/png;base64,')
    try:
        return base64.b64decode(image[url.end() :], validate=True)
    except (binascii.Error, ValueError):  # ValueError: non-ASCII characters
        raise BadRequest('the base64 in "image" is invalid') from None


def decoded(data: bytes) -> Image.Image:
    """Decode a PNG into a greyscale picture on a white background; animations yield the first frame. Raises 400, 422.

    The size is read from the header before decompressing anything: 10,000 x 10,000 pixels fit into 100 kB.
    """
    if len(data) < HEADER.size or not data.startswith(PNG):
        raise BadRequest('"image" is not a PNG')
    _, _, chunk, width, height = HEADER.unpack_from(data)
    if chunk != b"IHDR":
        raise BadRequest("the PNG is broken")
    if max(width, height) > MOST_PIXELS:
        raise UnprocessableEntity(
            f"the picture has {width} x {height} pixels; at most {MOST_PIXELS} x {MOST_PIXELS} are accepted"
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size == (width, height):  # if not, there is a second header: Pillow uses the last one
                image.load()
                return _on_white(image)
    except Exception as error:  # the decoder raises eight types; each means that the file is broken
        raise BadRequest("the PNG is broken or truncated") from error
    raise BadRequest("the PNG is broken")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit greyscale, which Pillow would clip at 255 instead of scaling
        # These images can only declare one shade transparent; it is shown as it is.
        return Image.fromarray((np.asarray(image, np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, colours).convert("L")
    return image.convert("L")


def ink_of(picture: Image.Image) -> NDArray[np.float32]:
    """Return the amount of ink at each pixel, from 0 (paper) to 1. Raises 422 if nothing is drawn.

    The paper's brightness is the median of the border, so light on dark works as well as dark on light.
    """
    grey = np.asarray(picture, dtype=np.float32)  # 16 MB at the largest size; float64 would take twice as much
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(border))
    ink = paper - grey if paper >= 128 else grey - paper
    np.clip(ink, 0, None, out=ink)
    if ink.max() < LEAST_CONTRAST:
        raise UnprocessableEntity("the picture is empty; draw a digit")
    ink /= ink.max()
    drawn = ink > 0.5
    size = max(np.ptp(np.flatnonzero(drawn.any(axis=axis))) + 1 for axis in (0, 1))
    if size < LEAST_INK:
        raise UnprocessableEntity(f"the drawing is only {size} pixels large; make it larger than {LEAST_INK}")
    return ink
