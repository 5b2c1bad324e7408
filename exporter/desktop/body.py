"""The middle of the window: what is wrong, the shares, and the tables, laid out as wide as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collectors.processes import Processes
from exporter.desktop.cards import Column, Shares, Table
from exporter.desktop.head import Notices
from exporter.render.subjects import disks, interfaces, shares
from exporter.render.units import percent, rate, size

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Sequence

    from exporter.desktop.looks import Looks
    from exporter.model import Snapshot
    from exporter.thresholds import Level, Thresholds

ROOM = 860
"""Pixels (at 96 dpi) from which processes and traffic stand side by side."""

RATE = "88.8 MiB/s"
PROCESSES = (
    Column("Process", "w", "python3 longer_name.py"),
    Column("CPU", "e", "6400.0 %"),
    Column("Memory", "e", "12.1 GiB"),
    Column("PID", "e", "4194304"),
    Column("User", "w", "www-data-1"),
)
NETWORK = (
    Column("Interface", "w", "enp0s31f6"),
    Column("Link", "w", "down"),
    Column("Receive", "e", RATE),
    Column("Transmit", "e", RATE),
)
DISKS = (Column("Disk", "w", "nvme0n1"), Column("Read", "e", RATE), Column("Write", "e", RATE))


class Body:
    """Fills a frame with cards; one that has nothing to show is not there."""

    def __init__(self, frame: tk.Misc, looks: Looks) -> None:
        self._frame = frame
        self._looks = looks
        self.notices = Notices(frame, looks)
        self.shares = Shares(frame, looks)
        self.processes = Table(frame, looks, "Top processes", PROCESSES)
        self.network = Table(frame, looks, "Network", NETWORK)
        self.disks = Table(frame, looks, "Disks", DISKS)
        frame.bind("<Configure>", lambda _: self._arrange(), add="+")

    def show(self, snapshot: Snapshot, thresholds: Thresholds, wrong: Sequence[tuple[Level, str]]) -> None:
        """Show a snapshot under the sentences of what is wrong."""
        self.notices.show(wrong)
        self.shares.show(list(shares(snapshot, thresholds)))
        processes = snapshot.section(Processes)
        rows = [
            (str(p.pid), (p.name, percent(p.cpu_cores, 1), size(p.memory_bytes), str(p.pid), p.user))
            for p in (processes.processes if processes else ())
        ]
        note = f"{processes.total} in all; CPU: 100\u00a0% is one core busy" if processes else ""
        self.processes.show(rows, note)
        self.network.show([(t.name, (t.name, t.state, rate(t.inward), rate(t.outward))) for t in interfaces(snapshot)])
        self.disks.show([(t.name, (t.name, rate(t.inward), rate(t.outward))) for t in disks(snapshot)])
        self._arrange()

    def warn(self, level: Level, text: str) -> None:
        """Put one sentence in place of what was wrong; the figures stay."""
        self.notices.show([(level, text)])
        self._arrange()

    def _arrange(self) -> None:
        """Put the traffic beside the processes, or all below one another where it is narrow."""
        traffic = [table.frame for table in (self.network, self.disks) if not table.is_empty()]
        wide = bool(traffic) and self._frame.winfo_width() >= self._looks.px(ROOM)
        columns = 2 if wide else 1
        places: dict[tk.Widget, dict[str, Any]] = {}
        if self.notices.lines:
            places[self.notices.frame] = {"row": 0, "columnspan": columns}
        if self.shares.rows:
            places[self.shares.frame] = {"row": 1, "columnspan": columns}
        if not self.processes.is_empty():
            places[self.processes.frame] = {"row": 2, "rowspan": columns, "columnspan": 1}
        for place, frame in enumerate(traffic):
            places[frame] = {"row": 2 + place, "column": 1} if wide else {"row": 3 + place}
        for card in self._frame.grid_slaves():
            if card not in places:
                card.grid_remove()
        gap = self._looks.px(10)
        for card, where in places.items():
            left = gap if where.get("column") else 0
            card.grid(**{"column": 0, "rowspan": 1, **where}, sticky="new", pady=(0, gap), padx=(left, 0))
        self._frame.rowconfigure(3, weight=1)  # what the processes need more goes below the traffic
        self._frame.columnconfigure(0, weight=3)
        self._frame.columnconfigure(1, weight=2 if wide else 0)
