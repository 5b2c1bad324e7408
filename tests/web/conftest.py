"""Fixtures for the tests of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from tests.support_browser import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own, without anything from other tests, in another zone and style than the exporter's."""
    context = browser.new_context(timezone_id="Asia/Kolkata", locale="en-US")
    yield context.new_page()
    context.close()
