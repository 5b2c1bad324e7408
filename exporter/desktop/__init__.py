"""The desktop window: a snapshot every other second, and a recording of them, without a browser."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
import threading
from typing import TYPE_CHECKING

from exporter.desktop.feed import Feed
from exporter.errors import DesktopError
from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler

if TYPE_CHECKING:
    import tkinter as tk

    from exporter.settings import Settings

PATIENCE = 5.0
"""Seconds that the last row of a recording has, before the program ends without it."""


def run(settings: Settings, interval: float, theme: str) -> int:
    """Show the window until it is closed, Ctrl-C or SIGTERM; return how many rows of its recording are lost.

    Raises DesktopError where Tk or a screen is missing. Main thread only.
    """
    stopped = threading.Event()
    # The window looks at this a few times a second; nothing is raised within Tk.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    root = open_screen()
    from exporter.desktop.window import Window  # noqa: PLC0415 - only where Tk is

    window = Window(root, settings.thresholds(), interval, theme, stopped)
    feed = Feed(Sampler(open_machine(settings)), interval, window.receive)
    feed.start()
    root.mainloop()
    # Tcl ends the program where its remains are cleared away in another thread: now that happens here, at the exit.
    gc.disable()
    feed.stop()
    recording = window.controls.recording
    return recording.finish(PATIENCE) if recording else 0


def open_screen() -> tk.Tk:
    """Return Tk's main window, still empty. Raises DesktopError where Tk or a screen is missing."""
    try:
        import tkinter as tk  # noqa: PLC0415 - Debian, Fedora and Homebrew ship it apart from Python
    except ImportError:
        missing = "apt install python3-tk, dnf install python3-tkinter or brew install python-tk"
        if getattr(sys, "frozen", False):  # the one-file program has what the Python had that built it
            missing = "this file was built without it"
        raise DesktopError(
            f"desktop needs Python's tkinter: {missing}; host-exporter watch shows the same in a terminal"
        ) from None
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415

        # Without it Windows draws the window small and blows it up where the screen has more than 96 dpi.
        with contextlib.suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
    try:
        return tk.Tk(className="Host-exporter")
    except tk.TclError as reason:
        text = str(reason).partition("\n")[0]
        wants = "needs a screen" if "display" in text else "cannot open a window"  # such as without Tk's own files
        raise DesktopError(f"desktop {wants}: {text}; host-exporter watch shows the same in a terminal") from None
