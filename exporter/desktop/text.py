"""Text that fits: shortened with an ellipsis, and without characters that crash Tk."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tkinter.font import Font

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def shown(widget: tk.Misc, text: str) -> str:
    """Return a text in a form that Tk can show on this system.

    On X11, a character beyond U+FFFF, such as a colour emoji in a mountpoint, crashes the whole program if libXft is
    older than 2.3.5 (Ubuntu 22.04); Tk before 8.6.10 rejects such characters everywhere.
    """
    if max(text, default="") <= "\uffff" or (tk.TkVersion > 8.6 and _system(widget) != "x11"):
        return text
    return "".join(c if c <= "\uffff" else REPLACEMENT for c in text)


def fit(font: Font, text: str, width: int) -> str:
    """Return a text shortened to a width in pixels; a shortened text ends in "…"."""
    if font.measure(text) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.measure(text[:middle] + "…") <= width else (low, middle - 1)
    return text[:low].rstrip() + "…"


class Line(ttk.Label):
    """A single line of text, shortened if the window is too narrow."""

    def __init__(self, parent: tk.Misc, style: str, font: Font) -> None:
        super().__init__(parent, style=style)
        self._font = font
        self._whole = ""
        self.bind("<Configure>", lambda _: self._fit())

    def show(self, text: str) -> None:
        """Show as much of a text as fits."""
        self._whole = shown(self, text)
        self._fit()

    def _fit(self) -> None:
        width = self.winfo_width()
        text = fit(self._font, self._whole, width) if width > 1 else self._whole  # 1: not laid out yet
        if text != self["text"]:
            self.configure(text=text)


def _system(widget: tk.Misc) -> str:
    return str(widget.tk.call("tk", "windowingsystem"))
