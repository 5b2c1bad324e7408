"""The page in a real browser: drawing a digit and reading the prediction."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.digits.strokes import draw
from tests.support_browser import Watch, faint_texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

    from tests.digits.support import Gunicorn

pytestmark = pytest.mark.browser


def ask(page: Page) -> None:
    page.get_by_role("button", name="Predict").click()


@pytest.mark.parametrize("form", ["3-round", "4-open", "7-barred"])
def test_a_drawn_digit_is_recognised(page: Page, server: Gunicorn, form: str) -> None:
    watch = Watch(page)
    page.goto(server.url)
    draw(page, form)
    ask(page)
    expect(page.locator(".digit")).to_have_text(form[0])
    expect(page.locator("#result")).to_contain_text(re.compile(r"\d\d\.\d\d % certain"))
    assert watch.errors == []
    assert all(url.startswith(server.url) for url in watch.urls)


def test_clear_gives_new_paper_and_empty_paper_is_said_in_words(page: Page, server: Gunicorn) -> None:
    page.goto(server.url)
    draw(page, "3-round")
    page.get_by_role("button", name="Clear").click()
    ask(page)
    expect(page.locator("#result .error")).to_have_text("The picture is empty; draw a digit")


def test_doubt_is_said_in_words(page: Page, server: Gunicorn) -> None:
    page.goto(server.url)
    draw(page, "8-two-rings")
    ask(page)
    expect(page.locator("#result .error")).to_contain_text(re.compile(r"only \d\d\.\d\d % certain; draw it larger"))


def test_everything_but_drawing_works_from_the_keyboard(page: Page, server: Gunicorn) -> None:
    page.goto(server.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Predict")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#result .error")).to_contain_text("draw a digit")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#result")).to_have_text("The answer appears here.")
    assert page.locator("#result").get_attribute("aria-live") == "polite"


def test_fingers_draw_and_do_not_scroll(browser: Browser, server: Gunicorn) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(server.url)
    touch = context.new_cdp_session(page)
    box = page.locator("canvas").bounding_box()
    assert box
    for number in range(21):
        point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * (0.15 + 0.035 * number)}
        kind = "touchStart" if number == 0 else "touchMove"
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    ask(page)
    expect(page.locator(".digit")).to_have_text("1")
    assert page.evaluate("scrollY") == 0
    context.close()


def test_a_server_that_is_gone_is_said_in_words(page: Page, server: Gunicorn) -> None:
    page.goto(server.url)
    page.route("**/api/*", lambda route: route.abort())
    ask(page)
    expect(page.locator("#result .error")).to_have_text("The application is not responding.")


def test_an_answer_to_a_picture_that_was_cleared_is_not_shown(page: Page, server: Gunicorn) -> None:
    page.goto(server.url)
    waiting: list[Route] = []
    # Playwright sets an attribute on the function, which a bound method does not allow.
    page.route("**/api/predict", lambda route: waiting.append(route))  # noqa: PLW0108 - see above
    ask(page)
    expect(page.get_by_role("button", name="Predict")).to_be_disabled()
    page.get_by_role("button", name="Clear").click()
    with page.expect_response("**/api/predict"):
        waiting[0].fulfill(json={"prediction": 5, "certainty": 99.0})
    expect(page.locator("#result")).to_have_text("The answer appears here.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_every_screen_and_every_text_can_be_read(
    browser: Browser, server: Gunicorn, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    page.goto(server.url)
    assert faint_texts(page) == []
    ask(page)
    expect(page.locator("#result .error")).to_be_visible()
    assert faint_texts(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_foot_shows_how_busy_the_machine_is(page: Page, server: Gunicorn) -> None:
    page.goto(server.url)
    expect(page.locator("#machine")).to_have_text(re.compile(r"memory \d+\u00a0%, CPU \d+\u00a0%"))
