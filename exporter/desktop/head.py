"""The top of the window: the machine, its status, and what is wrong."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from exporter.desktop.text import Line, shown
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.desktop.looks import Looks


class Head:
    """Hostname, system and uptime, and a badge with the level in words and colour."""

    def __init__(self, parent: tk.Misc, looks: Looks) -> None:
        self._looks = looks
        px, colours = looks.px, looks.colours
        self.frame = ttk.Frame(parent, padding=(px(20), px(14), px(20), px(10)))
        self.badge = tk.Label(
            self.frame, font=looks.bold, padx=px(14), pady=px(6), background=colours.track, foreground=colours.text
        )
        self.badge.pack(side="right")
        self.title = Line(self.frame, "Title.TLabel", looks.title)
        self.about = Line(self.frame, "Sub.TLabel", looks.font)
        for line in (self.title, self.about):
            line.pack(fill="x", padx=(0, px(12)))

    def show(self, hostname: str, about: str, level: Level | None, words: str) -> None:
        """Show the machine and its level; None means unknown."""
        colours = self._looks.colours
        self.title.show(hostname)
        self.about.show(about)
        if level is Level.CRITICAL:
            back, front = "#c81e1e", "#ffffff"  # as on the page, in both themes
        elif level is None:
            back, front = colours.track, colours.text
        else:
            back, front = colours.soft(level), colours.level(level)
        self.badge.configure(text=f"● {words}", background=back, foreground=front)


class Notices:
    """One line for each problem; empty if all is well."""

    def __init__(self, parent: tk.Misc, looks: Looks) -> None:
        self._looks = looks
        self.frame = ttk.Frame(parent)
        self.lines: list[tuple[Level, str]] = []
        self._labels: list[tk.Label] = []
        self.frame.bind("<Configure>", lambda event: self._wrap(event.width))

    def show(self, lines: Sequence[tuple[Level, str]]) -> None:
        """Show these messages, each in the colour of its level."""
        if list(lines) == self.lines:
            return
        self.lines = list(lines)
        for child in self.frame.winfo_children():
            child.destroy()
        px = self._looks.px
        self._labels = []
        for level, text in lines:
            colours = self._looks.colours
            stripe = tk.Frame(self.frame, background=colours.level(level))
            label = tk.Label(
                stripe,
                text=shown(self.frame, text),
                justify="left",
                anchor="w",
                background=colours.soft(level),
                foreground=colours.text,
                padx=px(12),
                pady=px(6),
                font=self._looks.font,
            )
            label.pack(fill="x", padx=(px(4), 0))
            stripe.pack(fill="x", pady=(0, px(6)))
            self._labels.append(label)
        self._wrap(self.frame.winfo_width())
        if not lines:  # an empty frame would keep its previous height
            self.frame.configure(height=1)

    def _wrap(self, width: int) -> None:
        for label in self._labels:
            label.configure(wraplength=max(1, width - self._looks.px(30)))
