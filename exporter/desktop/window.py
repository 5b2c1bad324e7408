"""The window: what a snapshot is shown in, and the beat at which new ones are taken over."""

from __future__ import annotations

import logging
import queue
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exporter.collectors.processes import Processes
from exporter.collectors.system import System
from exporter.desktop.cards import Column, Shares, Table
from exporter.desktop.controls import Controls
from exporter.desktop.head import Head, Notices
from exporter.desktop.looks import Looks, palette
from exporter.desktop.scroll import Scroll
from exporter.desktop.text import shown
from exporter.findings import findings
from exporter.render.subjects import disks, interfaces, shares
from exporter.render.units import percent, rate, size, span
from exporter.render.words import headline, level_of, not_readable, sentence
from exporter.thresholds import Level

if TYPE_CHECKING:
    import threading
    import tkinter as tk

    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

log = logging.getLogger("exporter")

BEAT = 100
"""Milliseconds between two looks for samples and at the stop signal: Python handles signals only between Tk's calls."""

PATIENCE = 8.0
"""Seconds without figures, beyond the interval, after which the old ones must not be called well: as on the page."""

ROOM = 860
"""Pixels (at 96 dpi) from which processes and traffic stand side by side."""


class Window:
    """Everything of Tk; used by one thread only. ``receive`` alone may be called from others."""

    def __init__(
        self, root: tk.Tk, thresholds: Thresholds, interval: float, theme: str, stopped: threading.Event
    ) -> None:
        self.root = root
        self._thresholds = thresholds
        self._patience = PATIENCE + interval
        self._stopped = stopped
        self._arrived: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        self._latest: Snapshot | None = None
        self._begun = time.monotonic()
        self._said = ""
        root.report_callback_exception = self._report
        looks = self._looks = Looks(root, palette(theme))
        root.configure(background=looks.colours.back)
        root.title("Host Exporter")
        self.head = Head(root, looks)
        self.head.frame.pack(fill="x")
        self.controls = Controls(root, looks, thresholds)
        self.controls.frame.pack(side="bottom", fill="x")
        scroll = Scroll(root, looks)
        scroll.frame.pack(fill="both", expand=True)
        self._body = scroll.inside
        self._lay_out(looks)
        self.head.show("Host Exporter", "taking the first sample", None, "no figures yet")
        px = looks.px
        root.minsize(min(px(600), root.winfo_screenwidth()), min(px(420), root.winfo_screenheight()))
        root.geometry(f"{min(px(1000), root.winfo_screenwidth())}x{min(px(720), root.winfo_screenheight() - px(60))}")
        root.protocol("WM_DELETE_WINDOW", self.close)
        for keys in ("<Control-q>", "<Control-w>", "<Escape>"):
            root.bind(keys, self._on_key)
        self._beat()

    def receive(self, snapshot: Snapshot) -> None:
        """Take a snapshot to be recorded, and shown at the next beat. Called in the thread that takes the samples."""
        self.controls.offer(snapshot)
        self._arrived.put(snapshot)

    def close(self) -> None:
        """Close the window, which ends its main loop; a recording is ended by whoever started the loop."""
        self.root.destroy()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        found, missing = findings(snapshot, self._thresholds), not_readable(snapshot)
        processes, system = snapshot.section(Processes), snapshot.section(System)
        level, words = level_of(found, missing), headline(found, missing)
        hostname = system.hostname if system else "this machine"
        self.root.title(shown(self.root, f"{hostname}: {words}"))
        clock = datetime.fromtimestamp(snapshot.time).astimezone().strftime("%H:%M:%S")
        parts = [system.os, f"up {span(system.uptime_seconds)}"] if system else []
        self.head.show(hostname, "  ·  ".join([*parts, f"as of {clock}"]), level, words)
        wrong = [(finding.level, sentence(finding, processes)) for finding in found if finding.level > Level.OK]
        self.notices.show([*wrong, *((Level.WARNING, text) for text in missing)])
        self.shares.show(list(shares(snapshot, self._thresholds)))
        rows = [
            (
                str(each.pid),
                (each.name, percent(each.cpu_cores, 1), size(each.memory_bytes), str(each.pid), each.user),
            )
            for each in (processes.processes if processes else ())
        ]
        note = f"{processes.total} in all; CPU: 100\u00a0% is one core busy" if processes else ""
        self.processes.show(rows, note)
        self.network.show([(t.name, (t.name, t.state, rate(t.inward), rate(t.outward))) for t in interfaces(snapshot)])
        self.disks.show([(t.name, (t.name, rate(t.inward), rate(t.outward))) for t in disks(snapshot)])
        self._arrange()

    def _lay_out(self, looks: Looks) -> None:
        body = self._body
        self.notices = Notices(body, looks)
        self.shares = Shares(body, looks)
        self.processes = Table(
            body,
            looks,
            "Top processes",
            (
                Column("Process", "w", "python3 longer_name.py"),
                Column("CPU", "e", "6400.0 %"),
                Column("Memory", "e", "12.1 GiB"),
                Column("PID", "e", "4194304"),
                Column("User", "w", "www-data-1"),
            ),
        )
        rates = "88.8 MiB/s"
        self.network = Table(
            body,
            looks,
            "Network",
            (
                Column("Interface", "w", "enp0s31f6"),
                Column("Link", "w", "down"),
                Column("Receive", "e", rates),
                Column("Transmit", "e", rates),
            ),
        )
        self.disks = Table(
            body,
            looks,
            "Disks",
            (Column("Disk", "w", "nvme0n1"), Column("Read", "e", rates), Column("Write", "e", rates)),
        )
        body.bind("<Configure>", lambda _: self._arrange(), add="+")

    def _arrange(self) -> None:
        """Put the cards that have something to show side by side, or below one another where it is narrow."""
        gap = self._looks.px(10)
        wide = self._body.winfo_width() >= self._looks.px(ROOM)
        side = [part for part in (self.network, self.disks) if part.tree.get_children()]
        parts: list[tuple[Any, int, int, int, int]] = []  # the part, its row and column, how many of each it takes
        columns = 2 if wide and side else 1
        if self.notices.lines:
            parts.append((self.notices, 0, 0, 1, columns))
        if self.shares.rows:
            parts.append((self.shares, 1, 0, 1, columns))
        if self.processes.tree.get_children():
            parts.append((self.processes, 2, 0, 2 if columns == 2 else 1, 1))
        for place, part in enumerate(side):
            parts.append((part, 2 + place, 1, 1, 1) if columns == 2 else (part, 3 + place, 0, 1, 1))
        placed = [part.frame for part, *_ in parts]
        for frame in self._body.grid_slaves():
            if frame not in placed:
                frame.grid_remove()
        for part, row, column, high, across in parts:
            part.frame.grid(
                row=row,
                column=column,
                rowspan=high,
                columnspan=across,
                sticky="new",
                pady=(0, gap),
                padx=(gap if column else 0, 0),
            )
        self._body.rowconfigure(3, weight=1)  # what the processes need more goes below the traffic
        self._body.columnconfigure(0, weight=3)
        self._body.columnconfigure(1, weight=2 if columns == 2 else 0)

    def _beat(self) -> None:
        if self._stopped.is_set():
            self.close()
            return
        self.root.after(BEAT, self._beat)  # first: whatever goes wrong below, the next beat comes
        latest = None
        while not self._arrived.empty():
            latest = self._arrived.get()
        if latest is not None:
            self._latest = latest
            self.show(latest)
        else:
            self._warn_of_age()
        self.controls.refresh()

    def _warn_of_age(self) -> None:
        """Say so where no figures come: nobody knows then whether the machine is well."""
        if time.monotonic() - (self._latest.monotonic if self._latest else self._begun) < self._patience:
            return
        system = self._latest.section(System) if self._latest else None
        hostname = system.hostname if system else "this machine"
        text = "No figures have come for a while: a part of the machine does not answer"
        if self._latest:
            clock = datetime.fromtimestamp(self._latest.time).astimezone().strftime("%H:%M:%S")
            text = f"The figures below are of {clock}: since then a part of the machine has not answered"
        self.root.title(shown(self.root, f"{hostname}: unknown"))
        self.head.show(hostname, "", None, "unknown")
        self.notices.show([(Level.CRITICAL, text)])
        self._arrange()

    def _on_key(self, event: tk.Event[Any]) -> None:
        # Escape is pressed by habit; it must not end a recording.
        if event.keysym != "Escape" or not self.controls.is_recording():
            self.close()

    def _report(self, _kind: type[BaseException], error: BaseException, _trace: object) -> None:
        """Log what went wrong in a call from Tk, once in a row."""
        text = f"{type(error).__name__}: {error}"
        if text != self._said:
            log.error("the window: %s", text, exc_info=error if log.isEnabledFor(logging.DEBUG) else None)
        self._said = text
