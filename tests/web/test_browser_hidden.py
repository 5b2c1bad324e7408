"""A page that nobody looks at makes no requests, and is current again as soon as somebody does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support_browser import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support import Exporter

pytestmark = pytest.mark.browser

# Playwright keeps every tab visible, even behind others, so the test fires the events a browser would.
TAB = "window.away = false; Object.defineProperty(document, 'hidden', { get: () => away });"
LOOK = "away => { window.away = away; document.dispatchEvent(new Event('visibilitychange')); }"
INTERVAL = "Number(document.body.dataset.refresh) * 1000"
MOMENT = 300
"""Real milliseconds the browser gets to start a request, or to apply a response that has arrived."""


class Tab:
    """The status page in a tab that can be hidden; its timers run when a test says so."""

    def __init__(self, page: Page, exporter: Exporter) -> None:
        self.page = page
        page.add_init_script(TAB)
        page.clock.install(time=0)
        self.watch = Watch(page)
        self._answered: list[str] = []
        page.on("requestfinished", lambda request: self._answered.append(request.url))
        page.goto(exporter.url)
        page.clock.pause_at(3600)  # a timer that falls due meanwhile runs once
        self.asked()
        self.interval: int = page.evaluate(INTERVAL)

    def asked(self) -> int:
        """Return the number of page requests since it was opened, once all of them are answered."""
        deadline = time.monotonic() + 20
        self.page.wait_for_timeout(MOMENT)
        while _pages(self._answered) < _pages(self.watch.urls):
            assert time.monotonic() < deadline, "the exporter does not answer"
            self.page.wait_for_timeout(MOMENT)
        return _pages(self.watch.urls)

    def asked_in_an_interval(self) -> int:
        before = self.asked()
        self.page.clock.run_for(self.interval)
        return self.asked() - before

    def look(self, *, away: bool) -> None:
        self.page.evaluate(LOOK, away)


def _pages(urls: list[str]) -> int:
    return sum(urlsplit(url).path == "/" for url in urls)


@pytest.fixture
def tab(page: Page, exporter: Exporter) -> Tab:
    return Tab(page, exporter)


def test_a_visible_page_makes_one_request_per_interval(tab: Tab) -> None:
    assert [tab.asked_in_an_interval() for _ in range(3)] == [1, 1, 1]


def test_a_hidden_page_makes_no_requests(tab: Tab) -> None:
    before = tab.asked()
    tab.look(away=True)
    assert tab.asked() == before
    assert [tab.asked_in_an_interval() for _ in range(5)] == [0] * 5
    assert tab.watch.errors == []


def test_a_page_that_becomes_visible_again_refreshes_at_once_and_goes_on(tab: Tab) -> None:
    tab.look(away=True)
    tab.asked_in_an_interval()
    before = tab.asked()
    tab.look(away=False)
    assert tab.asked() == before + 1, "nobody wants to wait for current figures"
    assert [tab.asked_in_an_interval() for _ in range(3)] == [1, 1, 1]
    assert tab.watch.errors == []


def test_switching_back_and_forth_does_not_speed_up_the_refreshes(tab: Tab) -> None:
    for _ in range(3):
        tab.look(away=True)
        tab.look(away=False)
    assert [tab.asked_in_an_interval() for _ in range(3)] == [1, 1, 1]
