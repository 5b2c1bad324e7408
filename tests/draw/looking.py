"""What is wrong with a drawn dashboard, found as a person would find it: by reading it and by its colours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.sync_api import Page

EMPTY = "no data"
TICKS = 3
"""An axis with fewer labels cannot be read."""
CUT = """legends => [...document.querySelectorAll('article')].flatMap(panel => {
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const {left, right, width} = range.getBoundingClientRect();
    let element = walker.currentNode.parentElement;
    if (!text || !width || !element.checkVisibility({visibilityProperty: true})) continue;
    // Of a column that is cut, its heading is told.
    if (element.closest('[role=gridcell]') || (!legends && element.closest('table'))) continue;
    for (; element !== panel.parentElement; element = element.parentElement) {
      if (getComputedStyle(element).overflowX === 'visible') continue;
      const box = element.getBoundingClientRect();
      if (left < box.left - 1 || right > box.right + 1) {
        found.push(`${panel.dataset.panel}: "${text}" is cut`);
        break;
      }
    }
  }
  return found;
})"""
SAID = """() => [...document.querySelectorAll('article')].map(panel => ({
  panel: panel.dataset.panel,
  type: panel.dataset.type,
  id: panel.dataset.id,
  empty: panel.querySelector('[data-empty]') !== null,
  texts: [...panel.innerText.split('\\n')],
  ticks: [...panel.querySelectorAll('canvas')].flatMap(canvas => [...(canvas.texts ?? [])]),
}))"""


def cut(page: Page, *, legends: bool = True) -> list[str]:
    """Return the texts that do not fit: titles, headings, values and columns that one must scroll to, and legends."""
    found: list[str] = page.evaluate(CUT, legends)
    return found


def silent(page: Page, answers: Mapping[str, Any]) -> list[str]:
    """Return the panels that say "no data" or have a bare axis although their queries returned series."""
    found = []
    for said in page.evaluate(SAID):
        if not any(answer["series"] for answer in answers[said["id"]].values()):
            continue
        texts = [*said["ticks"], *(said["texts"] if said["type"] == "stat" else [])]
        if said["empty"] or EMPTY in [text.strip().lower() for text in texts]:
            found.append(f"{said['panel']}: {EMPTY}")
        values = [tick for tick in said["ticks"] if tick and ":" not in tick]
        if said["type"] == "timeseries" and len(values) < TICKS:
            found.append(f"{said['panel']}: its axis only says {', '.join(values)}")
    return found


def share(page: Page, title: str, colour: Callable[[int, int, int], bool]) -> float:
    """Return which part of the first panel with this title has a colour."""
    drawn = page.locator(f'article[data-panel="{title}"]').first.screenshot(animations="disabled")
    with Image.open(io.BytesIO(drawn)) as image:
        parts = image.convert("RGB").tobytes()
    pixels = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    return sum(colour(*pixel) for pixel in pixels) / len(pixels)


def red(r: int, g: int, b: int) -> bool:
    """Say whether a pixel is red, of either colour scheme."""
    return r > 130 and r - max(g, b) > 70


def green(r: int, g: int, b: int) -> bool:
    """Say whether a pixel is green, of either colour scheme."""
    return g - r > 30 and g - b > 30
