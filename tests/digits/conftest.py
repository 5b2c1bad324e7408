"""Fixtures for the tests of the example: its package on the path, one trained model for all tests, the real server."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.digits.support import EXAMPLE, Gunicorn

sys.path.insert(0, str(EXAMPLE))

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from digits.model import Model
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, Page


def pytest_configure() -> None:
    # The environment of whoever runs the tests must not influence them.
    for name in [name for name in os.environ if name.startswith("DIGITS_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def model() -> Model:
    from digits.model import train

    return train()


@pytest.fixture
def make_app(model: Model, tmp_path: Path) -> Callable[..., Flask]:
    """Return a factory for applications that store their images in this test's folder."""
    from digits.app import build
    from digits.settings import Settings

    def make(**settings: Any) -> Flask:
        return build(replace(Settings(saved_images=str(tmp_path / "saved_images")), **settings), model)

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """The application, started as in the README, with /try/error."""
    folder = tmp_path_factory.mktemp("digits")
    with Gunicorn(folder, DIGITS_TRY_ERRORS="1") as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new tab, without anything from other tests."""
    context = browser.new_context(viewport={"width": 900, "height": 900})
    yield context.new_page()
    context.close()
