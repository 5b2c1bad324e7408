"""A fingerprint of what each picture shows, stored in the PNG, so that a test notices when it is out of date.

It covers what the program draws, not the pixels: those depend on the fonts installed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, PngImagePlugin

from exporter.web import create_app
from tests.support_desktop import shown_texts, widgets

if TYPE_CHECKING:
    import tkinter as tk

    from tests.tools.pictures.workstation import Workstation

ROOT = Path(__file__).parents[3]
PAGE, DARK, MAIL, MAIL_DARK, WINDOW, DIGITS = (
    "docs/status-page.png",
    "docs/status-page-dark.png",
    "docs/mail.png",
    "docs/mail-dark.png",
    "docs/desktop.png",
    "examples/digits/page.png",
)
PICTURES = (PAGE, DARK, MAIL, MAIL_DARK, WINDOW, DIGITS)
KEY = "fingerprint"


def of_page(workstation: Workstation) -> str:
    """Return the fingerprint of the status page: HTML and style sheet."""
    app = create_app(workstation.sampler, workstation.settings, workstation.history)
    html = app.test_client().get("/").text
    return _mark(html, (ROOT / "exporter/web/static/page.css").read_text(encoding="utf-8"))


def of_mail(html: str) -> str:
    """Return the fingerprint of the email."""
    return _mark(html)


def of_window(root: tk.Tk) -> str:
    """Return the fingerprint of the desktop window: texts, widgets with their grid cells, colours."""
    from exporter.desktop.looks import LIGHT

    texts = shown_texts(root)
    cut = [text for text in texts if text.endswith("…") and text != "Choose…"]
    assert not cut, f"cut off in the window: {cut}"
    parts = [_place(widget) for widget in widgets(root) if widget.winfo_ismapped()]
    return _mark(*texts, *parts, repr(LIGHT))


def _place(widget: Any) -> str:
    place: Any = widget.grid_info() if widget.winfo_manager() == "grid" else {}
    return f"{widget.winfo_class()} {place.get('row')} {place.get('column')}"


def of_digits() -> str:
    """Return the fingerprint of the example's page: template, style sheet and script."""
    folder = ROOT / "examples/digits/digits"
    names = ("templates/page.html", "static/page.css", "static/page.js")
    return _mark(*((folder / name).read_text(encoding="utf-8") for name in names))


def _mark(*parts: str) -> str:
    # Whitespace between words is not visible.
    text = "\n".join(" ".join(part.split()) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def save(image: Image.Image, name: str, mark: str) -> None:
    """Write a picture with its fingerprint, in 256 colours: flat areas and text need no more; it halves the file."""
    info = PngImagePlugin.PngInfo()
    info.add_text(KEY, mark)
    few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(ROOT / name, optimize=True, pnginfo=info)


def kept(name: str) -> str:
    """Return the fingerprint stored in a picture, empty if it has none."""
    with Image.open(ROOT / name) as image:
        return str(image.info.get(KEY, ""))


def assert_current(name: str, mark: str, target: str = "pictures") -> None:
    """Fail, and say which target of make renews it, if a picture has another fingerprint."""
    assert kept(name) == mark, f"{name} is out of date, run: make {target}"
