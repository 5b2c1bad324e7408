"""The lines of the cards in a real browser: time and value under the mouse, a finger and the arrow keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from exporter.render.units import percent
from exporter.sampling.history import Point
from tests.support_browser import Watch, wait_until
from tests.web import stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import SimpleNamespace

    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.browser

POINTS = 61
"""One every 2.5 s: the oldest is 150 s old. CPU usage is 10 % there and 70 % now."""
SPOT = """(svg) => {
  const box = svg.getBoundingClientRect();
  const spot = svg.querySelector(".spot").getBoundingClientRect();
  const x = (spot.left + spot.right) / 2 - box.left;
  return { x: x / box.width, y: (box.bottom - (spot.top + spot.bottom) / 2) / box.height };
}"""


@pytest.fixture
def machine() -> Iterator[SimpleNamespace]:
    with stage.served(stage.usual(), stage.past(POINTS)) as it:
        yield it


def words(page: Page, name: str) -> Locator:
    return page.locator(f"section[aria-labelledby={name}] .range")


def line(page: Page, name: str) -> Locator:
    return page.locator(f"section[aria-labelledby={name}] svg.line")


def point_at(page: Page, name: str, share: float) -> None:
    box = line(page, name).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


def test_the_mouse_reads_time_and_value_of_all_lines(page: Page, machine: SimpleNamespace) -> None:
    watch = Watch(page)
    page.goto(machine.url)
    expect(words(page, "cpu")).to_have_text("10\u00a0% to 70\u00a0% in 2\u00a0min")
    point_at(page, "cpu", 0.5)
    expect(words(page, "cpu")).to_have_text("1\u00a0min 15\u00a0s ago: 40\u00a0%")
    expect(words(page, "memory")).to_have_text("1\u00a0min 15\u00a0s ago: 41\u00a0%")
    assert line(page, "cpu").evaluate(SPOT) == pytest.approx({"x": 0.5, "y": 0.4}, abs=0.03)
    point_at(page, "cpu", 0.999)
    expect(words(page, "cpu")).to_have_text("now: 70\u00a0%")
    page.mouse.move(0, 0)
    expect(words(page, "cpu")).to_have_text("10\u00a0% to 70\u00a0% in 2\u00a0min")
    assert watch.errors == []


def test_a_reading_outlives_the_refresh_and_follows_it(page: Page, machine: SimpleNamespace) -> None:
    page.goto(machine.url)
    point_at(page, "cpu", 0)
    expect(words(page, "cpu")).to_have_text("2\u00a0min 30\u00a0s ago: 10\u00a0%")
    points = machine.history.points()
    machine.history._points = tuple(Point(each.monotonic, 0.5, each.memory, each.filesystem) for each in points)
    expect(words(page, "cpu")).to_have_text("2\u00a0min 30\u00a0s ago: 50\u00a0%", timeout=20_000)
    assert line(page, "cpu").evaluate(SPOT)["y"] == pytest.approx(0.5, abs=0.03)


def test_the_arrow_keys_read_point_by_point_and_a_screen_reader_hears_it(page: Page, machine: SimpleNamespace) -> None:
    page.goto(machine.url)
    shown = line(page, "cpu")
    assert shown.get_attribute("role") == "img"
    label = shown.get_attribute("aria-label")
    page.keyboard.press("Tab")
    expect(shown).to_be_focused()
    expect(words(page, "cpu")).to_have_text("now: 70\u00a0%")
    assert shown.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    spoken = page.locator("[role=status].spoken")
    for keys, said in (
        (["ArrowLeft", "ArrowLeft"], "5\u00a0s ago: 68\u00a0%"),
        (["ArrowRight"], "3\u00a0s ago: 69\u00a0%"),
        (["Home"], "2\u00a0min 30\u00a0s ago: 10\u00a0%"),
        (["ArrowLeft"], "2\u00a0min 30\u00a0s ago: 10\u00a0%"),
        (["End"], "now: 70\u00a0%"),
    ):
        for key in keys:
            page.keyboard.press(key)
        expect(words(page, "cpu")).to_have_text(said)
        expect(spoken).to_have_text(said)
    assert shown.get_attribute("aria-label") == label
    page.keyboard.press("Tab")
    expect(line(page, "memory")).to_be_focused()
    page.locator("summary").focus()
    expect(words(page, "cpu")).to_have_text("10\u00a0% to 70\u00a0% in 2\u00a0min")


def test_a_finger_reads_and_the_page_still_scrolls(browser: Browser, machine: SimpleNamespace) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(machine.url)
    box = line(page, "cpu").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(words(page, "cpu")).to_have_text("1\u00a0min 15\u00a0s ago: 40\u00a0%")
    assert line(page, "cpu").evaluate("e => getComputedStyle(e).touchAction") == "pan-y"
    page.touchscreen.tap(200, 30)
    expect(words(page, "cpu")).to_have_text("10\u00a0% to 70\u00a0% in 2\u00a0min")
    context.close()


def test_a_value_is_rounded_down_like_every_other(page: Page, machine: SimpleNamespace) -> None:
    ratios = [0.7999, 0.2899999, 0.29, 0.9, 0.0, 1.0, 0.5704]
    machine.history._points = tuple(Point(float(n), ratio, ratio, ratio) for n, ratio in enumerate(ratios))
    page.goto(machine.url)
    line(page, "cpu").focus()
    page.keyboard.press("Home")
    for ratio in ratios:
        assert words(page, "cpu").inner_text().rpartition(": ")[2] == percent(ratio)
        page.keyboard.press("ArrowRight")


def test_the_spot_on_a_line_is_whole_wherever_it_is(page: Page, machine: SimpleNamespace) -> None:
    machine.history._points = tuple(Point(float(n), ratio, 0.5, 0.5) for n, ratio in enumerate([1.0, 0.0, 0.0]))
    page.route("**/page.js*", lambda route: route.abort())  # the page does not change during the checks
    page.goto(machine.url)
    shown = line(page, "cpu")
    shown.focus()
    page.keyboard.press("Home")
    box = shown.bounding_box()
    assert box
    # A spot is 8 pixels wide: some of it lies above the line's box and to its left.
    around: Any = {"x": box["x"] - 6, "y": box["y"] - 6, "width": 12, "height": 12}
    picture = page.screenshot(clip=around)
    shown.evaluate("e => { e.style.overflow = 'hidden'; }")
    assert page.screenshot(clip=around) != picture, "what is outside of the box was not shown before either"


def test_a_line_that_ends_and_begins_again_is_no_error(page: Page, machine: SimpleNamespace) -> None:
    watch = Watch(page)
    page.goto(machine.url)
    point_at(page, "cpu", 0.5)
    points = machine.history.points()
    for kept, count in (((), 0), (points, 3)):
        machine.history._points = kept
        wait_until(page, "count => document.querySelectorAll('svg.line').length === count", count)
    assert watch.errors == []
