"""Colours, fonts and ttk styles: like the status page, light or dark to match the system."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from tkinter import ttk
from tkinter.font import Font, nametofont
from typing import TYPE_CHECKING

from exporter.thresholds import Level

if TYPE_CHECKING:
    import tkinter as tk


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by purpose, with the names and values of ``web/static/page.css``."""

    back: str
    card: str
    edge: str
    text: str
    quiet: str
    ok: str
    warning: str
    critical: str
    track: str

    def level(self, level: Level) -> str:
        """Return the colour of a level."""
        return {Level.OK: self.ok, Level.WARNING: self.warning, Level.CRITICAL: self.critical}[level]

    def soft(self, level: Level) -> str:
        """Return the background for a text in the colour of a level."""
        return blend(self.level(level), self.back, 0.13)


LIGHT = Palette("#f6f7f9", "#ffffff", "#e2e5ea", "#14181f", "#5c6675", "#0d6b63", "#a34a08", "#c81e1e", "#e8ebef")
DARK = Palette("#0e1116", "#171b22", "#272d37", "#e8ebf0", "#98a2b3", "#2dd4bf", "#fbbf24", "#f87171", "#272d37")


def blend(front: str, back: str, share: float) -> str:
    """Return ``front`` over ``back`` with this opacity (0-1); Tk has no transparent colours."""
    parts = [round(int(front[i : i + 2], 16) * share + int(back[i : i + 2], 16) * (1 - share)) for i in range(1, 7, 2)]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def palette(theme: str) -> Palette:
    """Return the colours of a theme; "auto" follows the system, and is light if that is unknown."""
    return DARK if theme == "dark" or (theme == "auto" and _system_is_dark()) else LIGHT


if sys.platform == "win32":
    import winreg

    def _system_is_dark() -> bool:
        path = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, path) as key:
                return winreg.QueryValueEx(key, "AppsUseLightTheme")[0] == 0
        except OSError:
            return False

else:

    def _system_is_dark() -> bool:
        """Ask macOS, or desktops with GNOME's setting; GTK_THEME counts as well."""
        if sys.platform == "darwin":
            command = ["defaults", "read", "-g", "AppleInterfaceStyle"]
        else:
            command = ["gsettings", "get", "org.gnome.desktop.interface", "color-scheme"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=1, check=False).stdout  # noqa: S603 - two fixed commands
        except (OSError, subprocess.SubprocessError):
            answer = ""
        return "dark" in f"{answer} {os.environ.get('GTK_THEME', '')}".lower()


class Looks:
    """Colours, fonts and sizes for every part of the window. Sizes follow the system font, and so its scaling."""

    def __init__(self, root: tk.Misc, colours: Palette) -> None:
        self.colours = colours
        self.font = nametofont("TkDefaultFont", root)
        family, size = self.font.actual("family"), abs(int(self.font.actual("size")))
        self.bold = Font(root, family=family, size=size, weight="bold")
        self.small = Font(root, family=family, size=max(7, size - 1))
        self.title = Font(root, family=family, size=round(size * 1.8), weight="bold")
        self._unit = self.font.metrics("linespace") / 16
        _set_styles(ttk.Style(root), self)

    def px(self, count: float) -> int:
        """Return a length in this screen's pixels; ``count`` is the length at 96 dpi."""
        return max(1, round(count * self._unit))


def _set_styles(style: ttk.Style, looks: Looks) -> None:
    """Adjust the theme "clam", the only one available everywhere that lets every colour be set."""
    c, px = looks.colours, looks.px
    style.theme_use("clam")
    flat = {"bordercolor": c.card, "lightcolor": c.card, "darkcolor": c.card}
    style.configure(".", background=c.back, foreground=c.text, font=looks.font, focuscolor=c.ok)
    edge = {"bordercolor": c.edge, "lightcolor": c.card, "darkcolor": c.card}
    style.configure("Card.TFrame", background=c.card, relief="solid", borderwidth=1, **edge)
    style.configure("On.TFrame", background=c.card)
    style.configure("TLabel", background=c.card)
    style.configure("Heading.TLabel", font=looks.bold)
    style.configure("Quiet.TLabel", foreground=c.quiet)
    style.configure("Title.TLabel", background=c.back, font=looks.title)
    style.configure("Sub.TLabel", background=c.back, foreground=c.quiet)
    row = looks.font.metrics("linespace") + px(8)
    style.configure("Treeview", background=c.card, fieldbackground=c.card, foreground=c.text, rowheight=row, **flat)
    style.map("Treeview", background=[("selected", blend(c.ok, c.card, 0.18))], foreground=[("selected", c.text)])
    style.layout("Treeview", [("Treeview.treearea", {"sticky": "nswe"})])  # without the border around it
    style.configure("Treeview.Cell", padding=(0, 0, px(8), 0))  # names stand below the heading of their card
    style.configure(
        "Heading",
        padding=(0, px(2), px(8), px(2)),
        background=c.card,
        foreground=c.quiet,
        font=looks.small,
        relief="flat",
        **flat,
    )
    style.map("Heading", background=[("active", c.card)])
    _set_control_styles(style, looks)


def _set_control_styles(style: ttk.Style, looks: Looks) -> None:
    c, px = looks.colours, looks.px
    raised = blend(c.text, c.card, 0.05)
    edge = blend(c.text, c.card, 0.28)
    style.configure(
        "TButton", background=raised, bordercolor=edge, lightcolor=raised, darkcolor=raised, padding=(px(12), px(4))
    )
    style.map(
        "TButton",
        background=[("active", blend(c.text, c.card, 0.1))],
        bordercolor=[("focus", c.ok)],
        foreground=[("disabled", c.quiet)],
    )
    on = "#ffffff" if c is LIGHT else c.back
    style.configure(
        "Main.TButton",
        background=c.ok,
        foreground=on,
        bordercolor=c.ok,
        lightcolor=c.ok,
        darkcolor=c.ok,
        font=looks.bold,
        focuscolor=on,
    )
    pressed = blend(c.text, c.ok, 0.15)
    style.map(
        "Main.TButton",
        background=[("disabled", c.track), ("active", pressed)],
        foreground=[("disabled", c.quiet)],
        bordercolor=[("focus", c.text)],
    )
    style.configure(
        "TEntry",
        fieldbackground=c.card,
        foreground=c.text,
        insertcolor=c.text,
        bordercolor=edge,
        lightcolor=c.card,
        darkcolor=c.card,
        selectbackground=c.ok,
        selectforeground=on,
        padding=px(4),
    )
    style.map(
        "TEntry",
        bordercolor=[("focus", c.ok)],
        lightcolor=[("focus", c.ok)],
        fieldbackground=[("readonly", c.back), ("disabled", c.back)],
        foreground=[("readonly", c.quiet), ("disabled", c.quiet)],
    )
    style.configure(
        "Vertical.TScrollbar",
        background=blend(c.text, c.back, 0.22),
        troughcolor=c.back,
        bordercolor=c.back,
        lightcolor=c.back,
        darkcolor=c.back,
        arrowcolor=c.quiet,
        gripcount=0,
    )
