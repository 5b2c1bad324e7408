"""The cards of the window: usage bars and tables."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING, Any, Literal

from exporter.desktop.bar import Bar
from exporter.desktop.text import fit, shown
from exporter.render.units import percent
from exporter.thresholds import Level

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Sequence

    from exporter.desktop.looks import Looks
    from exporter.render.shares import Share
    from exporter.render.tables.table import Table as Listing

LONGEST_NAME, LONGEST_DETAIL, LEAST_DETAIL = 210, 290, 60
"""Pixels at 96 dpi. Longer texts are cut; a detail narrower than LEAST_DETAIL would say nothing and is dropped."""

LEAST_BAR, FIGURES = 130, 210
"""Pixels at 96 dpi: the minimum for the bar, and the room that figure, level, gaps and edges take."""


def card(parent: tk.Misc, looks: Looks, title: str) -> tuple[ttk.Frame, ttk.Label]:
    """Return an empty card and its heading, packed at the top."""
    frame = ttk.Frame(parent, style="Card.TFrame", padding=(looks.px(16), looks.px(12)))
    heading = ttk.Label(frame, text=title, style="Heading.TLabel")
    heading.pack(anchor="w", pady=(0, looks.px(6)))
    return frame, heading


class _Row:
    """The widgets of one share: name, bar, figure, level in a word, detail."""

    def __init__(self, parent: ttk.Frame, looks: Looks, place: int) -> None:
        self.name = ttk.Label(parent)
        self.bar = Bar(parent, looks)
        self.figure = ttk.Label(parent, anchor="e", font=looks.bold)
        self.word = ttk.Label(parent, font=looks.bold)
        self.detail = ttk.Label(parent, style="Quiet.TLabel")
        gap = looks.px(12)
        for column, widget in enumerate((self.name, self.bar, self.figure, self.word, self.detail)):
            side = "ew" if widget in (self.bar, self.figure) else "w"
            widget.grid(row=place, column=column, sticky=side, padx=(gap if column else 0, 0), pady=looks.px(4))

    def remove(self) -> None:
        for widget in (self.name, self.bar, self.figure, self.word, self.detail):
            widget.destroy()


class Shares:
    """CPU, memory, swap, filesystems and battery, one line each."""

    def __init__(self, parent: tk.Misc, looks: Looks) -> None:
        self._looks = looks
        self.frame, _ = card(parent, looks, "In use")
        self._grid = ttk.Frame(self.frame, style="On.TFrame")
        self._grid.pack(fill="x")
        self._grid.columnconfigure(1, weight=1)
        self.rows: list[_Row] = []
        self._shares: Sequence[Share] = ()
        self._width = 0
        self.frame.bind("<Configure>", self._on_resize)

    def show(self, shares: Sequence[Share]) -> None:
        """Show these shares and no others. In a narrow window, details are cut first, then names."""
        self._shares = shares
        for place in range(len(self.rows), len(shares)):
            self.rows.append(_Row(self._grid, self._looks, place))
        for row in self.rows[len(shares) :]:
            row.remove()
        del self.rows[len(shares) :]
        looks = self._looks
        room = (self._width or looks.px(1000)) - looks.px(FIGURES + LEAST_BAR)
        widest = max((looks.font.measure(share.name) for share in shares), default=0)
        name = max(looks.px(LEAST_DETAIL), min(widest, looks.px(LONGEST_NAME), room))
        detail = min(looks.px(LONGEST_DETAIL), room - name)
        for row, share in zip(self.rows, shares, strict=True):
            self._show(row, share, name, detail if detail >= looks.px(LEAST_DETAIL) else 0)

    def _on_resize(self, event: tk.Event[Any]) -> None:
        if event.width != self._width:
            self._width = event.width
            self.show(self._shares)

    def _show(self, row: _Row, share: Share, name_width: int, detail_width: int) -> None:
        looks = self._looks
        level = share.level
        colour = looks.colours.text if level is Level.OK else looks.colours.level(level)
        row.name.configure(text=fit(looks.font, shown(row.name, share.name), name_width))
        row.bar.show(share.ratio or 0.0, share.limits, level)
        row.figure.configure(text=percent(share.ratio), foreground=colour)
        row.word.configure(text="" if level is Level.OK else str(level), foreground=colour)
        detail = fit(looks.font, shown(row.detail, share.detail), detail_width) if detail_width else ""
        row.detail.configure(text=detail)


class Table:
    """A table in a card. It shows all its rows, since the window itself scrolls."""

    def __init__(self, parent: tk.Misc, looks: Looks, listing: Listing) -> None:
        self.frame, self.heading = card(parent, looks, listing.title)
        names = [str(place) for place, _ in enumerate(listing.columns)]
        self.tree = ttk.Treeview(self.frame, columns=names, show="headings", selectmode="browse", height=0)
        for place, column in enumerate(listing.columns):
            width = max(looks.font.measure(column.sample), looks.small.measure(column.title)) + looks.px(22)
            side: Literal["w", "e"] = "w" if column.side == "left" else "e"
            self.tree.heading(names[place], text=column.title, anchor=side)
            self.tree.column(names[place], anchor=side, width=width, minwidth=looks.px(40), stretch=not place)
        self.tree.pack(fill="x")

    def show(self, listing: Listing) -> None:
        """Show these rows and no others. Each has a key, so that a selection stays with its row."""
        tree = self.tree
        keys = [key for key, _ in listing.rows]
        tree.delete(*[key for key in tree.get_children() if key not in keys])
        for place, (key, texts) in enumerate(listing.rows):
            values = [shown(tree, text) for text in texts]
            if tree.exists(key):
                tree.item(key, values=values)
                if tree.index(key) != place:
                    tree.move(key, "", place)
            else:
                tree.insert("", place, iid=key, values=values)
        if int(tree["height"]) != len(listing.rows):
            tree.configure(height=len(listing.rows))
        self.heading.configure(text=f"{listing.title}  {listing.note}".rstrip())
