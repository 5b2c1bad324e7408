"""The live status page in a real browser: it follows the machine, and notices the exporter stop and return."""

from __future__ import annotations

import os
import re
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.support import Exporter, Load
from tests.support_browser import Watch, faint_texts, text_of, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser

FIGURE = "section[aria-labelledby=cpu] .figure"
ICON = "document.querySelector('link[rel=icon]').href"
LATER = "before => document.querySelector('time').dateTime > before"
# Only the CPU may raise the level: nobody knows how full memory and disks of the test machine are.
CALM = (
    "--memory-warning",
    "99",
    "--memory-critical",
    "100",
    "--filesystem-warning",
    "99.9",
    "--filesystem-critical",
    "100",
)
STRICT = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'"


def wait_for_refreshes(page: Page, count: int = 2) -> None:
    for _ in range(count):
        wait_until(page, LATER, page.locator("time").get_attribute("datetime"))


@pytest.mark.load
def test_values_change_by_themselves_without_a_reload(page: Page, exporter: Exporter) -> None:
    page.goto(exporter.url)
    page.evaluate("window.marker = 'the same document'")
    clock, cpu = text_of(page, "time"), text_of(page, FIGURE)
    with Load(os.cpu_count() or 1):
        expect(page.locator("time")).not_to_have_text(clock, timeout=10_000)
        expect(page.locator(FIGURE)).not_to_have_text(cpu, timeout=20_000)
        # Load every core, so that the figure rises to match.
        wait_until(page, f"parseFloat(document.querySelector('{FIGURE}').textContent) >= 80")
    wait_for_refreshes(page, 2)
    assert page.evaluate("window.marker") == "the same document"


@pytest.mark.load
def test_badge_title_and_icon_follow_a_real_load_up_and_down(page: Page) -> None:
    with Exporter("--cpu-warning", "60", "--cpu-critical", "80", "--hostname", "box", *CALM) as exporter:
        page.goto(exporter.url)
        badge = page.locator("#badge")

        def shows(level: str, words: str) -> None:
            expect(badge).to_have_text(words, timeout=40_000)
            expect(badge).to_have_class(level)
            expect(page).to_have_title(f"box: {words}")
            assert page.evaluate(ICON) == f"{exporter.url}/static/{level}.svg"
            assert exporter.get(f"/static/{level}.svg").headers["Content-Type"].startswith("image/svg+xml")

        shows("ok", "all well")
        assert page.locator(".alerts").count() == 0
        calm = badge.evaluate("e => getComputedStyle(e).backgroundColor")
        with Load(os.cpu_count() or 1):
            shows("critical", "1 critical")
            assert badge.evaluate("e => getComputedStyle(e).backgroundColor") != calm
            assert "critical at 80" in text_of(page, ".alerts .critical").replace("\u00a0", " ")
            expect(page.locator("section[aria-labelledby=cpu] .word")).to_have_text("critical")
        shows("ok", "all well")
        expect(page.locator(".alerts")).to_have_count(0)


def test_the_page_requests_nothing_from_elsewhere_and_nothing_fails(page: Page, exporter: Exporter) -> None:
    watch = Watch(page)
    page.goto(exporter.url)
    wait_for_refreshes(page)
    assert {urlsplit(url).netloc for url in watch.urls} == {f"127.0.0.1:{exporter.port}"}
    assert sum(urlsplit(url).path == "/" for url in watch.urls) >= 3
    assert watch.errors == []


def test_page_works_under_a_strict_content_security_policy(page: Page, exporter: Exporter) -> None:
    def tighten(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": STRICT})

    page.route(f"{exporter.url}/", tighten)
    page.add_init_script(
        "window.violations = [];"
        "addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective + ' ' + e.blockedURI))"
    )
    watch = Watch(page)
    answer = page.goto(exporter.url)
    assert answer is not None
    assert answer.headers["content-security-policy"] == STRICT
    wait_for_refreshes(page)
    assert page.evaluate("window.violations") == []
    assert watch.errors == []
    assert page.locator("#badge").evaluate("e => getComputedStyle(e).display") == "flex"  # the stylesheet has loaded


@pytest.mark.parametrize("end", ["stopped", "frozen"])
def test_page_says_so_when_the_exporter_is_gone_and_recovers(page: Page, end: str) -> None:
    with Exporter("--hostname", "box", *CALM) as exporter:
        begin = datetime.now(UTC)
        with page.expect_request_finished(lambda request: "unknown.svg" in request.url):  # the icon, for later
            page.goto(exporter.url)
        lost = page.locator("#lost")
        expect(lost).to_be_hidden()
        if end == "stopped":
            exporter.stop()
        else:
            exporter.process.send_signal(signal.SIGSTOP)
        try:
            expect(lost).to_be_visible(timeout=20_000)
            expect(lost).to_have_text(re.compile(r"has not answered since \d\d:\d\d:\d\d UTC\."))
            expect(page).to_have_title("box: unknown, not answering")
            expect(page.locator("#badge")).to_have_text("unknown")
            expect(page.locator("#badge")).to_have_class("unknown")
            assert page.evaluate(ICON).startswith(f"{exporter.url}/static/unknown.svg")
            assert page.evaluate("fetch(document.body.dataset.unknown).then(answer => answer.ok)"), "not in the cache"
            # Wherever one has scrolled to.
            page.set_viewport_size({"width": 390, "height": 400})
            page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            assert page.evaluate("window.scrollY") > 100
            expect(lost).to_be_in_viewport(ratio=1)
            # The old figures must not look current.
            assert float(page.locator("main").evaluate("e => getComputedStyle(e).opacity")) < 1
            assert faint_texts(page, "#lost") == []
            assert faint_texts(page, "#badge") == []
            # As in the page's footer, whatever the browser's time zone and locale.
            times = {f"{begin + timedelta(seconds=second):%H:%M:%S} UTC" for second in range(60)}
            assert text_of(page, "#lost-since").removeprefix(" since ") in times
            shown = page.locator("time").get_attribute("datetime")
        finally:
            if end == "frozen":
                exporter.process.send_signal(signal.SIGCONT)
        if end == "stopped":
            exporter.__enter__()  # again, on the same port
        expect(lost).to_be_hidden(timeout=20_000)
        # Whatever the level: other tests may keep the CPUs busy.
        expect(page).to_have_title(re.compile("box: (all well|1 warning|1 critical)"))
        expect(page.locator("#badge")).to_have_text(re.compile("all well|1 warning|1 critical"))
        expect(page.locator("#badge")).to_have_class(re.compile("ok|warning|critical"))
        wait_until(page, LATER, shown)


def test_after_a_pause_old_figures_are_not_shown_as_current_for_long(page: Page) -> None:
    with Exporter("--hostname", "box", *CALM) as exporter:
        page.clock.install()
        page.goto(exporter.url)
        wait_for_refreshes(page, 1)
        exporter.process.send_signal(signal.SIGSTOP)
        try:
            page.clock.fast_forward("14:00:00")
            page.clock.run_for(1500)
            # Long before the patience with an exporter that has just answered is over.
            expect(page.locator("#lost")).to_be_visible(timeout=1000)
            expect(page.locator("#lost-since")).to_have_text(re.compile(r" since \d{4}-\d\d-\d\d \d\d:\d\d UTC"))
        finally:
            exporter.process.send_signal(signal.SIGCONT)


def test_lines_of_the_last_samples_appear_and_grow(page: Page) -> None:
    points = (
        "document.querySelector('section[aria-labelledby=memory] .stroke')?.getAttribute('d').match(/[ML]/g).length"
    )
    with Exporter() as exporter:
        page.goto(exporter.url)
        wait_until(page, f"() => ({points} ?? 0) >= 2")
        before = page.evaluate(points)
        wait_until(page, f"before => {points} > before", before)
    for name in ("cpu", "memory"):
        line = page.locator(f"section[aria-labelledby={name}] svg.line")
        assert line.locator(".stroke").evaluate("e => e.getTotalLength()") >= 299  # from edge to edge
        # The same in words: the range of values, or the one value.
        words = re.sub(r"\s", " ", line.get_attribute("aria-label") or "")
        assert re.search(r": (\d+ % to \d+ % in|\d+ % for) \d+ s$", words), words
