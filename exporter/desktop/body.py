"""The middle of the window: findings, usage bars and tables, laid out to fit the width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.desktop.cards import Shares, Table
from exporter.desktop.head import Notices
from exporter.render.shares import shares
from exporter.render.tables import tables

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Sequence

    from exporter.desktop.looks import Looks
    from exporter.model import Snapshot
    from exporter.thresholds import Level, Thresholds

ROOM = 860
"""Width in pixels (at 96 dpi) at or above which the first table is shown beside the others."""


class Body:
    """Fills a frame with cards; cards with nothing to show are hidden."""

    def __init__(self, frame: tk.Misc, looks: Looks) -> None:
        self._frame = frame
        self._looks = looks
        self.notices = Notices(frame, looks)
        self.shares = Shares(frame, looks)
        self.tables: dict[str, Table] = {}
        self._shown: list[Table] = []
        frame.bind("<Configure>", lambda _: self._arrange(), add="+")

    def show(self, snapshot: Snapshot, thresholds: Thresholds, wrong: Sequence[tuple[Level, str]]) -> None:
        """Show a snapshot below the sentences in ``wrong``."""
        self.notices.show(wrong)
        self.shares.show(list(shares(snapshot, thresholds)))
        self._shown = []
        for listing in tables(snapshot):
            if listing.title not in self.tables:
                self.tables[listing.title] = Table(self._frame, self._looks, listing)
            table = self.tables[listing.title]
            table.show(listing)
            self._shown.append(table)
        self._arrange()

    def warn(self, level: Level, text: str) -> None:
        """Replace the findings with one sentence; the figures stay."""
        self.notices.show([(level, text)])
        self._arrange()

    def _arrange(self) -> None:
        """Place the first table on the left and the others on the right, or all in one column in a narrow window."""
        first, others = self._shown[:1], self._shown[1:]
        wide = bool(others) and self._frame.winfo_width() >= self._looks.px(ROOM)
        columns = 2 if wide else 1
        places: dict[tk.Widget, dict[str, Any]] = {}
        if self.notices.lines:
            places[self.notices.frame] = {"row": 0, "columnspan": columns}
        if self.shares.rows:
            places[self.shares.frame] = {"row": 1, "columnspan": columns}
        for table in first:
            places[table.frame] = {"row": 2, "rowspan": max(1, len(others)) if wide else 1}
        for place, table in enumerate(others):
            places[table.frame] = {"row": 2 + place, "column": 1} if wide else {"row": 3 + place}
        for card in self._frame.grid_slaves():
            if card not in places:
                card.grid_remove()
        gap = self._looks.px(10)
        for card, where in places.items():
            left = gap if where.get("column") else 0
            card.grid(
                **{"column": 0, "rowspan": 1, "columnspan": 1, **where}, sticky="new", pady=(0, gap), padx=(left, 0)
            )
        for row in range(2, 2 + len(self.tables)):  # extra height of the first goes below the last of the others
            self._frame.rowconfigure(row, weight=int(wide and row == 1 + len(others)))
        self._frame.columnconfigure(0, weight=3)
        self._frame.columnconfigure(1, weight=2 if wide else 0)
