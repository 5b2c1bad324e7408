"""Draw the digits of ``examples/digits/drawn`` on the real page, in a real browser.

Run: ``python -m tests.tools.draw_digits``.
"""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.digits.strokes import FORMS, draw
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


if __name__ == "__main__":
    main()
