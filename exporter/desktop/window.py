"""The window: it shows snapshots, and polls for new ones at a fixed beat."""

from __future__ import annotations

import logging
import queue
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exporter.collectors.system import System
from exporter.desktop.body import Body
from exporter.desktop.controls import Controls
from exporter.desktop.head import Head
from exporter.desktop.icon import dot
from exporter.desktop.looks import Looks, palette
from exporter.desktop.scroll import Scroll
from exporter.desktop.text import shown
from exporter.render.units import span
from exporter.render.words import headline, sentences
from exporter.thresholds import Level

if TYPE_CHECKING:
    import threading
    import tkinter as tk
    from collections.abc import Callable

    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

log = logging.getLogger("exporter")

BEAT = 100
"""Milliseconds between two checks for samples and for the stop signal: Python handles signals only between Tk calls."""

PATIENCE = 8.0
"""Seconds without figures, beyond the interval, after which the window shows the state as unknown; as on the page."""


class Window:
    """The Tk window. Use it from one thread only; just ``receive`` may be called from others."""

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
        self._icon: tk.PhotoImage | None = None
        self._icon_colour = ""
        root.report_callback_exception = self._report
        looks = self._looks = Looks(root, palette(theme))
        root.configure(background=looks.colours.back)
        root.title("Host Exporter")
        self.head = Head(root, looks)
        self.head.frame.pack(fill="x")
        self.controls = Controls(root, looks)
        self.controls.frame.pack(side="bottom", fill="x")
        scroll = Scroll(root, looks)
        scroll.frame.pack(fill="both", expand=True)
        self.body = Body(scroll.inside, looks)
        self.head.show("Host Exporter", "taking the first sample", None, "no figures yet")
        self._set_size(looks.px)
        for keys in ("<Control-q>", "<Control-w>", "<Escape>"):
            root.bind(keys, self._on_key)
        root.protocol("WM_DELETE_WINDOW", self.close)
        if root.tk.call("tk", "windowingsystem") == "aqua":
            root.createcommand("tk::mac::Quit", self.close)  # the default would end the program in the middle of a row
            root.bind("<Command-w>", self._on_key)
        self._beat()

    def _set_size(self, px: Callable[[float], int]) -> None:
        root = self.root
        root.minsize(min(px(600), root.winfo_screenwidth()), min(px(420), root.winfo_screenheight()))
        root.geometry(f"{min(px(1000), root.winfo_screenwidth())}x{min(px(720), root.winfo_screenheight() - px(60))}")

    def receive(self, snapshot: Snapshot) -> None:
        """Accept a snapshot to record now and show at the next beat. The sampling thread calls this."""
        self.controls.offer(snapshot)
        self._arrived.put(snapshot)

    def close(self) -> None:
        """Close the window, which ends its main loop; whoever started the loop must end the recording."""
        self.root.destroy()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        system = snapshot.section(System)
        level, words = snapshot.level(), headline(snapshot)
        hostname = system.hostname if system else "this machine"
        self._call(f"{hostname}: {words}", self._looks.colours.level(level))
        clock = datetime.fromtimestamp(snapshot.time).astimezone().strftime("%H:%M:%S")
        parts = [system.os, f"up {span(system.uptime_seconds)}"] if system else []
        self.head.show(hostname, "  ·  ".join([*parts, f"as of {clock}"]), level, words)
        wrong = [(finding.level, text) for finding, text in sentences(snapshot)]
        self.body.show(snapshot, self._thresholds, wrong)

    def _call(self, title: str, colour: str) -> None:
        """Set the window's title and the colour of its icon."""
        self.root.title(shown(self.root, title))
        if colour != self._icon_colour:
            self._icon_colour, self._icon = colour, dot(self.root, colour)
            self.root.iconphoto(False, self._icon)

    def _beat(self) -> None:
        if self._stopped.is_set():
            self.close()
            return
        self.root.after(BEAT, self._beat)  # first, so that the next beat comes even if something fails below
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
        """Warn if no figures arrive, since nobody then knows whether the machine is well."""
        if time.monotonic() - (self._latest.monotonic if self._latest else self._begun) < self._patience:
            return
        system = self._latest.section(System) if self._latest else None
        hostname = system.hostname if system else "this machine"
        text = "No figures have arrived for a while: part of the machine is not answering"
        if self._latest:
            clock = datetime.fromtimestamp(self._latest.time).astimezone().strftime("%H:%M:%S")
            text = f"The figures below are from {clock}: part of the machine has not answered since then"
        self._call(f"{hostname}: unknown", self._looks.colours.quiet)
        self.head.show(hostname, "", None, "unknown")
        self.body.warn(Level.CRITICAL, text)

    def _on_key(self, event: tk.Event[Any]) -> None:
        # People press Escape out of habit; it must not end a recording.
        if event.keysym != "Escape" or not self.controls.is_recording():
            self.close()

    def _report(self, _kind: type[BaseException], error: BaseException, _trace: object) -> None:
        """Log an exception in a Tk callback; one that repeats is logged once."""
        text = f"{type(error).__name__}: {error}"
        if text != self._said:
            log.error("the window: %s", text, exc_info=error if log.isEnabledFor(logging.DEBUG) else None)
        self._said = text
