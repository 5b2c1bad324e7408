"""One screen for all tests of the window, and windows on it."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from exporter.settings import Settings
from tests.support_desktop import Desk, Hands, need_tkinter, xvfb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    need_tkinter()
    with xvfb() as name:
        yield name


@pytest.fixture
def hands(display: str) -> Hands:
    return Hands(display)


@pytest.fixture
def open_desk(
    display: str, hands: Hands, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Desk]]:
    """Return a function that opens the window on the screen; its arguments are settings."""
    from exporter.desktop import open_screen
    from exporter.desktop.window import Window

    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    opened: list[Desk] = []

    def make(theme: str = "light", interval: float = 0.5, **settings: Any) -> Desk:
        thresholds = Settings(**settings).thresholds()
        window = Window(open_screen(), thresholds, interval, theme, threading.Event())
        desk = Desk(window, hands)
        desk.until(hands.window)
        hands.focus()
        desk.settle()
        opened.append(desk)
        return desk

    yield make
    for desk in opened:
        recording = desk.window.controls.recording
        if recording is not None:
            recording.finish(30)
        if desk.is_open():
            desk.window.close()
        desk.__dict__.clear()
    del opened[:]
    gc.collect()  # frees what is left of Tcl in the thread that created it


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()
