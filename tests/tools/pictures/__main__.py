"""Retakes the pictures in README and docs: ``make pictures``."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageGrab

from exporter.web import create_app
from tests.digits.strokes import Hand, draw
from tests.digits.support import EXAMPLE
from tests.support_browser import chromium
from tests.tools.pictures import mail, marks, scenes

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.tools.pictures.workstation import Workstation

FONTS = Path(__file__).with_name("fonts.conf")
WIDTH = 1200
"""CSS pixels: the page grows no wider, more would only be margins."""
PHONE = 432
"""CSS pixels."""


def main() -> None:
    """Write all pictures."""
    use_fonts()
    with chromium() as browser:
        with scenes.workstation() as machine:
            take_digits(browser, machine)
        with scenes.workstation() as machine:
            snapshot = machine.live()
            take_page(browser, machine)
            take_mail(browser)
            with scenes.screen() as display, scenes.window(machine, snapshot, display) as root:
                box = (0, 0, root.winfo_width(), root.winfo_height())
                marks.save(ImageGrab.grab(box, xdisplay=display), marks.WINDOW, marks.of_window(root))
    for name in marks.PICTURES:
        print(f"{name}: {(marks.ROOT / name).stat().st_size / 1000:.0f} kB")


def use_fonts() -> None:
    """Make browser and Tk use the same font on every machine; exit if it is not installed."""
    os.environ["FONTCONFIG_FILE"] = str(FONTS)
    found = subprocess.run(["fc-match", "sans-serif", "family"], capture_output=True, text=True, check=True).stdout
    if "Inter" not in found:
        sys.exit("the pictures need the font Inter: apt install fonts-inter")


def take_page(browser: Browser, machine: Workstation) -> None:
    """Take the status page, light and dark."""
    mark = marks.of_page(machine)
    with scenes.served(create_app(machine.sampler, machine.settings, machine.history)) as url:
        for name, scheme in ((marks.PAGE, "light"), (marks.DARK, "dark")):
            page = new_page(browser, WIDTH, 600, scheme)
            page.goto(url)
            shoot(page, name, mark)


def take_mail(browser: Browser) -> None:
    """Take the email as a phone shows it, light and dark."""
    html = mail.html()
    for name, scheme in ((marks.MAIL, "light"), (marks.MAIL_DARK, "dark")):
        page = new_page(browser, PHONE, 200, scheme)
        page.set_content(html)
        shoot(page, name, marks.of_mail(html))


def take_digits(browser: Browser, machine: Workstation) -> None:
    """Take the example's page with a digit drawn on it. Its footer shows the workstation's figures."""
    sys.path.insert(0, str(EXAMPLE))
    from digits import machine as measured
    from digits.app import build
    from digits.settings import Settings

    measured.LONGEST = math.inf  # its first reading stays valid, however long the browser takes
    with tempfile.TemporaryDirectory() as folder, scenes.served(build(Settings(saved_images=folder))) as url:
        machine.live(1)  # the application shows the CPU time used since it was built
        page = new_page(browser, PHONE, 780, "light")
        page.add_init_script("window.setInterval = () => 0")  # the machine now stands still: it asks once only
        page.goto(url)
        draw(page, "3-round", Hand(height=0.7, left=0.28, top=0.14, pen=34, tremble=0.002, seed=3))
        page.get_by_role("button", name="Predict").click()
        page.locator(".digit").wait_for()
        page.get_by_text("CPU").wait_for()
        shoot(page, marks.DIGITS, marks.of_digits())


def new_page(browser: Browser, width: int, height: int, scheme: Any) -> Page:
    """Return a new tab at the resolution of the pictures."""
    return browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=scenes.DPI / 96, color_scheme=scheme
    )


def shoot(page: Page, name: str, mark: str) -> None:
    """Take a picture of the whole page."""
    with Image.open(io.BytesIO(page.screenshot(full_page=True, animations="disabled"))) as image:
        marks.save(image, name, mark)


if __name__ == "__main__":
    try:
        main()
    except pytest.skip.Exception as missing:  # a program that the tests could do without
        sys.exit(str(missing))
