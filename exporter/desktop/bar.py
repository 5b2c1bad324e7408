"""A usage bar with its thresholds marked, drawn on a canvas."""

from __future__ import annotations

import tkinter as tk
from typing import TYPE_CHECKING

from exporter.desktop.looks import blend
from exporter.thresholds import Level

if TYPE_CHECKING:
    from exporter.desktop.looks import Looks

MARK = 0.5
"""Opacity of a threshold mark: its share of the text colour over what is below it."""


class Bar(tk.Canvas):
    """A bar as wide as its container; redrawn when its value or its size changes."""

    def __init__(self, parent: tk.Misc, looks: Looks) -> None:
        super().__init__(
            parent, height=looks.px(10), width=looks.px(60), highlightthickness=0, background=looks.colours.track
        )
        self._looks = looks
        self._ratio = 0.0
        self._limits: tuple[float, ...] = ()
        self._level = Level.OK
        self.bind("<Configure>", lambda _: self._draw())

    def show(self, ratio: float, limits: tuple[float, ...], level: Level = Level.OK) -> None:
        """Show a ratio (0-1) in the colour of its level; larger values give a full bar."""
        if (ratio, limits, level) != (self._ratio, self._limits, self._level):
            self._ratio, self._limits, self._level = ratio, limits, level
            self._draw()

    def _draw(self) -> None:
        width, height, colours = self.winfo_width(), self.winfo_height(), self._looks.colours
        colour = colours.level(self._level)
        filled = round(min(1.0, max(0.0, self._ratio)) * width)
        self.delete("all")
        self.create_rectangle(0, 0, filled, height, fill=colour, width=0, tags="fill")
        thick = self._looks.px(2)
        for limit in self._limits:
            place = min(width - thick, round(limit * width))
            below = colour if place < filled else colours.track
            fill = blend(colours.text, below, MARK)
            self.create_rectangle(place, 0, place + thick, height, fill=fill, width=0, tags="mark")
