"""Draws all dashboards: ``make dashboards-shots``.

Whole dashboards, dark and light, go to .cache/draw/shots, to be looked at; the pictures in README and docs are renewed.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from tests.dashboards.boards import BOARDS
from tests.draw import asking, browser, recorded, shots
from tests.support_browser import chromium
from tests.tools.pictures import marks

FOLDER = browser.CACHE / "shots"


def main() -> None:
    """Draw everything."""
    browser.bundle()
    with tempfile.TemporaryDirectory() as folder, recorded.prometheus(Path(folder)) as url:
        answers = {name: asking.answers(url, name, board) for name, board in BOARDS.items()}
    FOLDER.mkdir(exist_ok=True)
    with chromium() as started:
        for name, board in BOARDS.items():
            for mode in ("dark", "light"):
                drawing = asking.drawing(name, board, answers[name], mode, opened=False)
                with browser.draw(started, drawing) as page:
                    drawn = page.screenshot(animations="disabled")
                (FOLDER / f"{name}-{mode}.png").write_bytes(drawn)
                with Image.open(io.BytesIO(drawn)) as image:
                    shots.keep(name, mode, image)
    for path in (*sorted(FOLDER.glob("*.png")), *(marks.ROOT / shown for shown in shots.PICTURES)):
        print(f"{path.relative_to(marks.ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    try:
        main()
    except pytest.skip.Exception as lacks:  # a program that the tests could do without
        sys.exit(str(lacks))
