"""Fixtures for the tests of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support_access import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab, isolated from other tests, with a time zone and locale different from the exporter's."""
    context = browser.new_context(timezone_id="Asia/Kolkata", locale="en-US")
    yield context.new_page()
    context.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority that has signed a certificate for a server."""
    made = Authority(tmp_path)
    made.issue("server")
    return made
