"""Draw the digits of ``examples/digits/drawn`` on the real page, in a real browser.

Also takes the screenshot in its README. Run: ``python -m tests.tools.draw_digits``.
"""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.digits.strokes import FORMS, Hand, draw
from tests.digits.support import EXAMPLE, Gunicorn
from tests.support_browser import chromium


def main() -> None:
    """Write one PNG per form, as the page would send it."""
    with tempfile.TemporaryDirectory() as folder, Gunicorn(Path(folder)) as server, chromium() as browser:
        page = browser.new_page(viewport={"width": 432, "height": 780}, color_scheme="light")
        page.goto(server.url)
        for form in FORMS:
            page.get_by_role("button", name="Clear").click()
            draw(page, form)
            url: str = page.locator("canvas").evaluate("paper => paper.toDataURL('image/png')")
            with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
                image.save(EXAMPLE / "drawn" / f"{form}.png", optimize=True)  # the same pixels in half the bytes
        page.get_by_role("button", name="Clear").click()
        draw(page, "3-round", Hand(height=0.7, left=0.28, top=0.14, pen=34, tremble=0.002, seed=3))
        page.get_by_role("button", name="Predict").click()
        page.locator(".digit").wait_for()
        page.screenshot(path=EXAMPLE / "page.png")


if __name__ == "__main__":
    main()
