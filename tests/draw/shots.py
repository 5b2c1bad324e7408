"""The pictures of dashboards in README and docs, each with a fingerprint of the dashboard that it shows."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from tests.dashboards.boards import BOARDS
from tests.tools.pictures import marks

if TYPE_CHECKING:
    from PIL import Image

SCREEN = 1164
"""Pixels of the Host dashboard that README shows: whether the machine is well, and what its CPU did."""


class Shot(NamedTuple):
    """A dashboard in one colour scheme, and how much of it is shown from the top, None for all."""

    board: str
    mode: str
    height: int | None = None


PICTURES = {
    "docs/dashboard-host.png": Shot("host", "light", SCREEN),
    "docs/dashboard-host-dark.png": Shot("host", "dark", SCREEN),
    "docs/dashboard-fleet.png": Shot("fleet", "dark"),
    "docs/dashboard-stack.png": Shot("stack", "dark"),
    "docs/dashboard-application.png": Shot("application", "dark"),
}


def keep(board: str, mode: str, image: Image.Image) -> None:
    """Write the pictures that show this dashboard in this colour scheme."""
    for path, shot in PICTURES.items():
        if (shot.board, shot.mode) == (board, mode):
            shown = image.crop((0, 0, image.width, shot.height or image.height))
            marks.save(shown, path, fingerprint(board))


def fingerprint(board: str) -> str:
    """Return the fingerprint of what a dashboard's JSON says about its panels."""
    return hashlib.sha256(json.dumps(BOARDS[board]["panels"], sort_keys=True).encode()).hexdigest()
