"""The arrangement of the status page in a real browser: what stands level, what fits, what a thumb can hit."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from exporter.collectors.textfile import Textfiles
from exporter.sources.textfile_content import SmartDisk
from tests.render.figures import snapshot
from tests.support_browser import faint_texts, text_of
from tests.web import stage
from tests.web.test_browser import wait_for_refreshes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SCREENS, PHONES = (1440, 1024, 900, 720), (390, 320)
"""720 pixels are also what is left of 1440 at a zoom of 200 %."""

LEVEL = """(part) => {
  const cards = [...document.querySelectorAll(".card")].map((card) => ({
    top: card.getBoundingClientRect().top,
    place: card.querySelector(part).getBoundingClientRect().top - card.getBoundingClientRect().top,
  }));
  return cards.map((card) => cards.filter((each) => each.top === card.top).map((each) => Math.round(each.place)));
}"""
"""For each card, how far below its upper edge this part is, in all cards beside it."""

CUT = """() => {
  const cut = [...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth);
  const outside = [...document.querySelectorAll("body *")].filter(
    (e) => e.checkVisibility() && !e.closest(".spoken") && e.getBoundingClientRect().right > innerWidth + 0.5);
  const clipped = [...document.querySelectorAll("th, td, dd, dt, h1, h2, p, li")].filter(
    (e) => e.checkVisibility() && !e.closest(".spoken") && e.scrollWidth > e.clientWidth + 1);
  return [...cut, ...outside, ...clipped].map((e) => e.outerHTML.slice(0, 100));
}"""

NARROW = """[...document.querySelectorAll("tbody th, td.path")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().width < 50).map((e) => e.outerHTML.slice(0, 100))"""

SMALL = """[...document.querySelectorAll("a, summary, button, [tabindex]")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map((e) => `${e.outerHTML.slice(0, 60)}: ${e.getBoundingClientRect().height}`)"""

CROSSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
  const inner = parseFloat(style.outlineOffset), outer = inner + parseFloat(style.outlineWidth);
  const grown = (by) => ({ left: box.left - by, right: box.right + by, top: box.top - by, bottom: box.bottom + by });
  const [ring, hole] = [grown(outer), grown(inner)];
  const words = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const crossed = [];
  while (words.nextNode()) {
    if (!words.currentNode.data.trim() || !words.currentNode.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(words.currentNode);
    const r = range.getBoundingClientRect();
    const touches = r.left < ring.right && r.right > ring.left && r.top < ring.bottom && r.bottom > ring.top;
    const inside = r.left >= hole.left && r.right <= hole.right && r.top >= hole.top && r.bottom <= hole.bottom;
    if (touches && !inside && !element.contains(words.currentNode)) crossed.push(words.currentNode.data.trim());
  }
  return crossed;
}"""
"""The words beside the element in focus that its ring crosses."""

LINES = """(element) => {
  const lines = [];
  let last = -1;
  const words = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const range = document.createRange();
    for (let i = 0; i < words.currentNode.data.length; i++) {
      range.setStart(words.currentNode, i);
      range.setEnd(words.currentNode, i + 1);
      const { top, width } = range.getBoundingClientRect();
      if (!width) continue;
      if (Math.abs(top - last) > 5) lines.push("");
      last = top;
      lines[lines.length - 1] += words.currentNode.data[i];
    }
  }
  return lines;
}"""
"""The text of an element, line by line as it is shown."""

PLAIN = r"main => main.outerHTML.replace(/ open=\"\"| d=\"\"/g, '').replace(/\s+/g, ' ')"
NAMES = "all => all.map((each) => each.firstChild.data.trim())"


@pytest.fixture(scope="module")
def usual() -> Iterator[str]:
    with stage.served(
        stage.usual(0.97, [stage.mounted("/", 0.85), stage.mounted("/srv/photos", 0.47, "/dev/sda1")])
    ) as it:
        yield it.url


@pytest.fixture(scope="module")
def crowd() -> Iterator[str]:
    with stage.served(stage.crowd()) as it:
        yield it.url


def test_the_parts_of_neighbouring_cards_stand_level(page: Page, usual: str, crowd: str) -> None:
    for url in (usual, crowd):
        page.goto(url)
        assert page.locator(".card").count() == 3
        for width in SCREENS:
            page.set_viewport_size({"width": width, "height": 900})
            for part in (".figure", ".bar", ".line", ".range", "dl"):
                for places in page.evaluate(LEVEL, part):
                    assert len(set(places)) == 1, (width, part, places)


@pytest.mark.parametrize("widths", [SCREENS, PHONES], ids=["screens", "phones"])
def test_nothing_is_cut_and_no_table_scrolls(browser: Browser, usual: str, crowd: str, widths: tuple[int, ...]) -> None:
    context = browser.new_context(is_mobile=widths == PHONES)
    page = context.new_page()
    for url in (usual, crowd):
        page.goto(url)
        page.locator("summary").click()
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(CUT) == [], width
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("width", [1440, 1024, 390, 320])
def test_a_long_name_pushes_no_figure_out_of_its_table(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    with stage.served(stage.long_names()) as it:
        page.goto(it.url)
        page.locator("summary").click()
        assert page.locator("table").count() == 15
        assert page.evaluate(CUT) == []
        assert page.evaluate(NARROW) == [], "a name that has hardly any room"


def test_what_smart_does_not_say_of_a_disk_is_a_dash(page: Page) -> None:
    with stage.served(snapshot(Textfiles((), (SmartDisk("sda", "", "", None, None, None, None, None),)))) as it:
        page.goto(it.url)
        assert page.locator("#health ~ .scroll tbody td").all_inner_texts() == ["\N{EN DASH}"] * 4


def test_a_phone_leaves_nothing_out(page: Page, usual: str) -> None:
    page.goto(usual)
    page.locator("summary").click()
    wide = text_of(page, "main")
    page.set_viewport_size({"width": 320, "height": 900})
    narrow = text_of(page, "main")
    for said in ("/dev/nvme0n1p2", "ext4", "500 GiB", "2.5 Gbit/s", "100", "ada", "sleeping", "300.0 %", "9.0 GiB"):
        for text in (wide, narrow):
            assert said in text.replace("\u00a0", " "), (said, text)


def test_everything_to_tap_is_large_enough_for_a_thumb(browser: Browser, usual: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(usual)
    assert page.locator("a").count() > 3
    assert page.evaluate(SMALL) == []
    context.close()


def test_processes_are_grouped_by_program_and_single_ones_are_behind_them(page: Page, usual: str) -> None:
    page.goto(usual)
    part = page.locator("section[aria-labelledby=processes]")
    grouped = part.locator("> .scroll tbody th")
    assert grouped.evaluate_all(NAMES) == ["chromium", "python3 train.py", "postgres", "bash"]
    assert (
        re.sub(r"\s+", " ", part.locator("> .scroll tbody tr").first.inner_text())
        == "chromium 6 processes 300.0 % 9.0 GiB"
    )
    single = part.locator("details tbody tr")
    expect(single.first).to_be_hidden()
    page.keyboard.press("Tab")
    part.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(single.first).to_be_visible()
    assert single.locator("th").evaluate_all(NAMES).count("chromium") == 6
    wait_for_refreshes(page)
    expect(single.first).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    expect(single.first).to_be_hidden()


def test_what_is_open_stays_open_when_an_alert_appears_and_goes(page: Page) -> None:
    with stage.served(stage.usual()) as it:
        page.goto(it.url)
        page.locator("summary").click()
        for usage, alerts in ((0.97, 1), (0.42, 0)):
            it.sampler.shown = stage.usual(usage)
            expect(page.locator(".alerts li")).to_have_count(alerts, timeout=20_000)
            expect(page.locator("details tbody tr").first).to_be_visible()
            assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
            # The page is what the server sent, whatever was added and removed.
            fresh = page.context.new_page()
            fresh.goto(it.url)
            assert page.locator("main").evaluate(PLAIN) == fresh.locator("main").evaluate(PLAIN)
            fresh.close()


def test_no_focus_ring_crosses_words(page: Page, usual: str) -> None:
    page.goto(usual)
    page.locator("summary").click()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator("h1").click()
        for _ in range(page.locator("a, summary, [tabindex]").count()):
            page.keyboard.press("Tab")
            assert page.evaluate(CROSSED) == [], (width, page.evaluate("document.activeElement.outerHTML"))


def test_a_long_path_breaks_after_a_slash(page: Page) -> None:
    places = ["/srv/seen/new/volumes/vol10", "/srv/pictures/of/the/last/ten/years/and/of/more", f"/srv/{'x' * 70}"]
    kept = [stage.mounted(place, 0.97, f"/dev/mapper/of-a-group/{number}") for number, place in enumerate(places)]
    page.set_viewport_size({"width": 390, "height": 900})
    with stage.served(stage.usual(0.4, kept)) as it:
        page.goto(it.url)
        for name in ("section[aria-labelledby=filesystems] tbody th", ".alerts li"):
            lines = [page.locator(name, has_text=place).evaluate(LINES) for place in places]
            for place, parts in zip(places[:2], lines, strict=False):
                ends = [
                    part.strip()[-1] for part in parts if part.strip() in place and not place.endswith(part.strip())
                ]
                assert set(ends) <= {"/"}, (name, parts)
            assert any("/" in part for part in lines[1][:-1])
            assert len(lines[2]) > 2, "a part that is too long breaks anywhere"
        assert page.evaluate(CUT) == []
        assert page.locator("tbody th", has_text=places[0]).evaluate("e => e.firstChild.data") == "/"
        assert places[0] in text_of(page, "main"), "what is copied is the path"


def test_filesystems_at_a_level_come_first(page: Page) -> None:
    usages = {"/a": 0.1, "/b": 0.85, "/c": 0.97, "/d": 0.2, "/e": 0.95}
    kept = [stage.mounted(place, usage) for place, usage in usages.items()]
    inodes = replace(stage.mounted("/f", 0.1), inodes_usage_ratio=0.95)
    with stage.served(stage.usual(0.4, [*kept, inodes])) as it:
        page.goto(it.url)
        rows = page.locator("section[aria-labelledby=filesystems] tbody th")
        shown = rows.evaluate_all("all => all.map((each) => each.innerText.trim().split(/\\s/)[0])")
    assert shown == ["/c", "/e", "/b", "/f", "/a", "/d"]


def test_single_processes_can_be_opened_without_javascript(browser: Browser, usual: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(usual)
    page.locator("summary").click()
    expect(page.locator("details tbody tr").first).to_be_visible()
    context.close()


def test_one_filesystem_is_shown_once_with_all_its_facts(page: Page) -> None:
    with stage.served(stage.usual(0.12, [stage.mounted("/", 0.47, "/dev/sdx9", "xfs")], cores=1)) as it:
        page.goto(it.url)
        assert page.locator("h2", has_text="ilesystem").all_inner_texts() == ["Filesystem"]
        text = text_of(page, "main").replace("\u00a0", " ")
        for fact in ("47 %", "/dev/sdx9", "xfs", "265 GiB of 500 GiB"):
            assert text.count(fact) == 1, fact
        assert page.locator(".core").count() == 0  # the bar above already shows the only core


def test_headings_lead(page: Page, usual: str) -> None:
    page.goto(usual)
    size = "e => parseFloat(getComputedStyle(e).fontSize)"
    colour = "e => getComputedStyle(e).color"
    row = page.locator("tbody th").first
    for heading in page.locator("h2").all():
        assert heading.evaluate(size) > row.evaluate(size)
        assert heading.evaluate(colour) == row.evaluate(colour)
    left = "e => { const r = document.createRange(); r.selectNodeContents(e); return r.getBoundingClientRect().left; }"
    for section in page.locator("section:has(table)").all():
        heading, *others = [section.locator(each).first.evaluate(left) for each in ("h2", "thead th", "tbody th")]
        assert others == pytest.approx([heading] * 2, abs=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_every_state(browser: Browser, usual: str, crowd: str, scheme: str) -> None:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    for url in (usual, crowd):
        page.goto(url)
        page.locator("summary").click()
        page.locator("svg.line").first.focus()
        assert faint_texts(page) == []
    page.emulate_media(contrast="more")
    assert faint_texts(page, "main", limit=7) == []
    page.emulate_media(media="print")
    assert faint_texts(page) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"  # as by day
    context.close()
