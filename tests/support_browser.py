"""A real Chromium for the tests of the page, and what they look up in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator

# Only the page may send requests: the tests check what leaves the browser.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Contrast of each visible text with what lies behind it (WCAG 2: relative luminance, alpha composited), below a limit.
FAINT_TEXTS = """([root, limit]) => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (!element) return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    return over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  };
  const faint = [];
  const walker = document.createTreeWalker(document.querySelector(root), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg") || !element.checkVisibility()) continue;
    const back = behind(element);
    const front = over(parse(getComputedStyle(element).color), back);
    const [dark, light] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < limit) faint.push(`${walker.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start this machine's Chromium, headless, with further flags."""
    path = program("chromium", "chromium-browser", "google-chrome", hint="the package chromium of most systems")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """Records a page's errors and requests, from the first request on."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.urls: list[str] = []
        page.on("console", lambda message: self._note(message.type in {"error", "warning"}, message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("requestfailed", lambda request: self._note(True, f"{request.url}: {request.failure}"))
        page.on("response", lambda answer: self._note(answer.status >= 400, f"{answer.url}: {answer.status}"))
        page.on("request", lambda request: self.urls.append(request.url))

    def _note(self, bad: bool, text: str) -> None:
        if bad:
            self.errors.append(text)


def text_of(page: Page, selector: str) -> str:
    return page.locator(selector).first.inner_text()


def wait_until(page: Page, condition: str, argument: Any = None, seconds: float = 20) -> None:
    """Wait for a JavaScript condition; the time allows for several of the page's polls."""
    page.wait_for_function(condition, arg=argument, timeout=seconds * 1000)


def faint_texts(page: Page, root: str = "body", limit: float = 4.5) -> list[str]:
    """Return the visible texts whose contrast is below the limit, with their contrast."""
    found: list[str] = page.evaluate(FAINT_TEXTS, [root, limit])
    return found
