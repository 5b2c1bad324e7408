"""The window has the page's colours, in legible contrast; its sizes follow the screen's resolution."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.thresholds import Level
from tests.render.figures import whole
from tests.support_desktop import Desk, need_tkinter

if TYPE_CHECKING:
    from collections.abc import Callable

STYLES = Path(__file__).parents[2] / "exporter/web/static/page.css"


@pytest.fixture(autouse=True)
def tkinter() -> None:
    need_tkinter()


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#\w+);", css))


def test_the_colours_are_those_of_the_status_page() -> None:
    from exporter.desktop.looks import DARK, LIGHT

    light, dark = (
        variables(part) for part in STYLES.read_text().split("@media screen and (prefers-color-scheme: dark)")[:2]
    )
    for palette, page in ((LIGHT, light), (DARK, dark)):
        assert asdict(palette) == {name: page[name].replace("#fff", "#ffffff") for name in asdict(palette)}


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_every_text_can_be_read() -> None:
    from exporter.desktop.looks import DARK, LIGHT

    for palette in (LIGHT, DARK):
        for text in (palette.text, palette.quiet, palette.ok, palette.warning, palette.critical):
            assert contrast(text, palette.card) >= 4.5
        assert contrast(palette.quiet, palette.back) >= 4.5
        for level in Level:
            assert contrast(palette.text, palette.soft(level)) >= 4.5
        for level in (Level.OK, Level.WARNING):
            assert contrast(palette.level(level), palette.soft(level)) >= 4.5, "the badge"
    assert contrast("#ffffff", LIGHT.ok) >= 4.5, "the button"
    assert contrast(DARK.back, DARK.ok) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_colours_the_whole_window(open_desk: Callable[..., Desk], theme: str) -> None:
    from PIL import ImageGrab

    from exporter.desktop.looks import DARK, LIGHT

    desk = open_desk(theme)
    desk.window.show(whole(cpu_usage=0.95))
    desk.settle()
    x, y, width, height = desk.hands.place()
    pixels = ImageGrab.grab((x, y, x + width, y + height), xdisplay=desk.hands.display).convert("RGB")
    counts = {"#{:02x}{:02x}{:02x}".format(*colour): count for count, colour in pixels.getcolors(1 << 24)}  # type: ignore[union-attr,misc]
    palette = {"light": LIGHT, "dark": DARK}[theme]
    assert counts[palette.critical] > 100, "the CPU's bar"
    assert counts[palette.ok] > 100, "the other bars"
    own = counts[palette.back] + counts[palette.card] + counts[palette.track]
    assert own / (width * height) > 0.75, "no colour of another theme is left"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is asked through its registry")
@pytest.mark.parametrize(("answer", "dark"), [("'prefer-dark'", True), ("'default'", False), ("", False)])
def test_auto_asks_the_desktop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, dark: bool) -> None:
    from exporter.desktop.looks import DARK, LIGHT, palette

    for name in ("gsettings", "defaults"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{answer}"\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GTK_THEME", raising=False)
    assert palette("auto") is (DARK if dark else LIGHT)
    assert palette("light") is LIGHT
    assert palette("dark") is DARK


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is asked through its registry")
def test_auto_is_light_where_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from exporter.desktop.looks import DARK, LIGHT, palette

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GTK_THEME", raising=False)
    assert palette("auto") is LIGHT
    monkeypatch.setenv("GTK_THEME", "Adwaita:dark")
    assert palette("auto") is DARK

    def never(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("gsettings", 1)

    monkeypatch.setattr(subprocess, "run", never)
    monkeypatch.delenv("GTK_THEME")
    assert palette("auto") is LIGHT
