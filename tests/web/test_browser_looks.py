"""The look of the status page in a real browser: readable for everybody, on every screen, and without JavaScript."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support import Exporter, Load
from tests.support_browser import faint_texts, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# One warning and one critical alert, whatever the machine is doing.
ALERTS = ("--memory-warning=1", "--memory-critical=100", "--filesystem-warning=1", "--filesystem-critical=2")

# What a screen reader needs; describes whatever is missing.
STRUCTURE = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const missing = [];
  const need = (good, what) => { if (!good) missing.push(what); };
  need(document.documentElement.lang, "no language");
  need(all("h1").length === 1, "not one h1");
  for (const name of ["header", "main", "footer"]) need(all(`body > ${name}`).length === 1, `not one ${name}`);
  for (const th of all("th")) need(["col", "row"].includes(th.scope), `th without scope: ${th.textContent}`);
  for (const table of all("table")) need(table.querySelector("thead th"), "table without heads");
  for (const row of all("tbody tr")) need(row.querySelector("th[scope=row]"), `row without head: ${row.textContent}`);
  for (const svg of all("svg")) {
    const labelled = svg.getAttribute("role") === "img" && svg.getAttribute("aria-label")?.trim();
    need(labelled, `svg without label: ${svg.className.baseVal}`);
  }
  for (const part of all("section")) {
    const head = document.getElementById(part.getAttribute("aria-labelledby"));
    need(head?.textContent.trim() && part.contains(head), `section without name: ${part.textContent.slice(0, 40)}`);
  }
  for (const a of all("a")) need(a.textContent.trim() && a.href, "link without text or address");
  const ids = all("[id]").map((e) => e.id);
  need(new Set(ids).size === ids.length, `ids twice: ${ids}`);
  need(document.getElementById("badge").getAttribute("role") === "status", "the badge is no status");
  need(document.getElementById("lost").getAttribute("role") === "alert", "the banner is no alert");
  return missing;
}"""

MARKS = """(section) => {
  const bar = section.querySelector("svg.bar").getBoundingClientRect();
  const shapes = (name) => [...section.querySelectorAll(`svg.bar .${name}`)].map((e) => e.getBoundingClientRect());
  return {
    marks: shapes("mark").map((r) => ((r.left + r.right) / 2 - bar.left) / bar.width * 100),
    visible: shapes("mark").every((r) => r.width >= 1 && r.height >= 5),
    fill: shapes("fill")[0].width / bar.width * 100,
  };
}"""


OUTSIDE = """[...document.querySelectorAll("body *")]
  .filter((e) => !e.closest(".scroll") && e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """An exporter whose page has long names (of programs: up to 80 characters) and alerts of both levels."""
    script: Path = tmp_path_factory.mktemp("long") / f"{'long_name' * 8}.py"
    script.write_text("while True:\n    pass\n")
    flags = ["--hostname", "h" * 63, "--cpu-warning=1", "--cpu-critical=2", *ALERTS]
    with Load(command=[sys.executable, str(script)]), Exporter(*flags) as exporter:
        yield exporter


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast_at_every_level(browser: Browser, crowded: Exporter, scheme: str) -> None:
    context = browser.new_context(color_scheme="dark" if scheme == "dark" else "light")
    page = context.new_page()
    page.route("**/page.js*", lambda route: route.abort())  # the page does not change during the checks
    page.goto(crowded.url)
    assert {"warning", "critical"} <= set(page.locator(".alerts li").evaluate_all("all => all.map(e => e.className)"))
    faint = {}
    for level in ("ok", "warning", "critical"):
        page.locator("#badge").evaluate("(badge, level) => { badge.className = level; }", level)
        faint[level] = faint_texts(page)
    context.close()
    assert faint == {"ok": [], "warning": [], "critical": []}


def test_page_is_built_for_screen_readers(page: Page, crowded: Exporter) -> None:
    page.goto(crowded.url)
    assert page.locator("table").count() >= 2
    assert page.evaluate(STRUCTURE) == []


def test_bars_are_marked_at_the_configured_thresholds(page: Page) -> None:
    flags = "--cpu-warning=30 --cpu-critical=60 --memory-warning=45.5 --memory-critical=70 --filesystem-warning=5"
    with Exporter(*flags.split()) as exporter:
        page.goto(exporter.url)
        page.emulate_media(reduced_motion="reduce")
        for name, marks in (("cpu", [30, 60]), ("memory", [45.5, 70])):
            section = page.locator(f"section[aria-labelledby={name}]")
            found = section.evaluate(MARKS)
            assert found["marks"] == pytest.approx(marks, abs=0.5)
            assert found["visible"]
            shown = float(section.locator(".figure").inner_text().rstrip("%").strip())
            # The figure is cut and the bar rounded to a tenth: 95.96 % is "95 %" beside a bar of 96.0 %.
            assert found["fill"] == pytest.approx(shown, abs=1.05)
            label = section.locator("svg.bar").get_attribute("aria-label") or ""
            assert re.search(rf"warning at {marks[0]:.0f}|warning at {marks[0]:.1f}", label), label


@pytest.mark.load
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_page_never_scrolls_sideways(browser: Browser, crowded: Exporter, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, is_mobile=width < 500)
    page = context.new_page()
    page.goto(crowded.url)
    expect(page.locator(".alerts")).to_contain_text("long_name", timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Wide content scrolls in its own box; nothing else sticks out.
    assert page.evaluate(OUTSIDE) == []
    context.close()


def test_page_shows_the_figures_without_javascript(browser: Browser, exporter: Exporter) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(exporter.url)
    hostname = next(s.labels["hostname"] for s in exporter.samples().samples if s.name == "host_info")
    assert text_of(page, "h1") == hostname
    for name in ("cpu", "memory"):
        expect(page.locator(f"section[aria-labelledby={name}] .figure")).to_be_visible()
        # From the second sample on, a line below says what range it was in.
        figure = text_of(page, f"section[aria-labelledby={name}] .figure").split("\n")[0]
        assert re.fullmatch(r"\d+(\.\d+)?\s?%", figure)
    assert page.locator("section[aria-labelledby=processes] tbody tr").count() >= 5
    assert text_of(page, "#badge")
    assert page.locator("#lost").is_hidden()
    clock = text_of(page, "footer time")
    said = f"This page refreshes itself only with JavaScript. The figures are those of {clock}."
    assert text_of(page, "noscript") == said
    context.close()
    with_it = browser.new_page()
    with_it.goto(exporter.url)
    assert with_it.get_by_text("only with JavaScript").is_hidden()
    with_it.close()
