"""Draws a dashboard in this machine's Chromium."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support_browser import wait_until
from tests.support_servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Page, Route

APP = Path(__file__).with_name("app")
CACHE = Path(__file__).parents[2] / ".cache/draw"
MODULES = CACHE / "node_modules"
ICONS = MODULES / "@grafana/ui/dist/public/img/icons"
FONTS = Path("/usr/share/fonts/opentype/inter")
ADDRESS = "http://grafana.test/"
WIDTH = 1440
"""CSS pixels: what a notebook's screen has."""
FLAGS = (
    "--bundle",
    "--minify",
    "--jsx=automatic",
    "--format=iife",
    "--log-level=error",
    '--define:process.env.NODE_ENV="production"',
    "--loader:.ttf=empty",
    "--loader:.svg=dataurl",
    "--loader:.png=empty",
)
PAGE = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="bundle.css"><div id="board"></div>'
RECORD = """
  const fill = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    (this.canvas.texts ??= new Set()).add(text);
    return fill.call(this, text, ...rest);
  };
"""
"""Remembers what is written on a canvas, such as the ticks of an axis: tests cannot read it from the page."""
DRAWN = """() => document.querySelector('main[data-drawn]')
  && [...document.querySelectorAll('main svg')].every(icon => icon.childElementCount)"""
"""Icons are loaded one by one."""


def bundle() -> None:
    """Bundle the page with Grafana's components; skip the test if they are not installed."""
    if not (MODULES / "@grafana/ui").is_dir():
        missing("Grafana's components are not installed (make draw; needs npm)")
    if not FONTS.is_dir():
        missing("Grafana's font is not installed (the package fonts-inter of Debian and Ubuntu)")
    command = [str(MODULES / ".bin/esbuild"), str(APP / "main.tsx"), *FLAGS, f"--outfile={CACHE / 'bundle.js'}"]
    subprocess.run(command, check=True, env=os.environ | {"NODE_PATH": str(MODULES)})


@contextmanager
def draw(browser: Browser, drawing: Mapping[str, Any], width: int = WIDTH) -> Iterator[Page]:
    """Yield a page that shows a dashboard at its full height; RuntimeError if a panel cannot be drawn."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=drawing["mode"])
    try:
        page.route(f"{ADDRESS}**", _answer)
        page.add_init_script(RECORD)
        page.goto(ADDRESS)
        page.evaluate("drawing => { window.drawing = drawing }", drawing)
        page.add_script_tag(url=f"{ADDRESS}bundle.js")
        wait_until(page, DRAWN, seconds=120)
        if errors := page.locator("[data-error]").all_inner_texts():
            raise RuntimeError("\n".join(errors))
        height = page.locator("main").evaluate("main => main.offsetHeight")
        page.set_viewport_size({"width": width, "height": height})
        wait_until(page, DRAWN, seconds=120)
        yield page
    finally:
        page.close()


def _answer(route: Route) -> None:
    path = route.request.url.removeprefix(ADDRESS)
    name = Path(path)
    places = {"woff2": FONTS / f"{name.stem}.otf", "svg": ICONS / name.parent.name / name.name}
    file = places.get(name.suffix[1:], CACHE / name)
    if not path:
        route.fulfill(content_type="text/html", body=PAGE)
    elif file.is_file():
        route.fulfill(path=file)
    else:
        route.fulfill(status=404)
