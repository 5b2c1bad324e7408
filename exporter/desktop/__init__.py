"""The desktop window: live figures without a browser, and a CSV recording of them."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from typing import TYPE_CHECKING

from exporter.desktop.feed import Feed
from exporter.errors import DesktopError
from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from exporter.signals import on_end

if TYPE_CHECKING:
    import tkinter as tk

    from exporter.settings import Settings

PATIENCE = 5.0
"""Seconds to wait at exit for the last row of a recording."""


def run(settings: Settings, interval: float, theme: str) -> int:
    """Show the window until it is closed, or until Ctrl-C or SIGTERM; return how many recorded rows were lost.

    Raises DesktopError if Tk or a display is missing. Main thread only.
    """
    stopped = threading.Event()
    # The window polls this a few times a second: a signal handler must not raise inside Tk.
    on_end(lambda *_: stopped.set())
    root = open_screen()
    from exporter.desktop.window import Window  # noqa: PLC0415 - needs Tk

    window = Window(root, settings.thresholds(), interval, theme, stopped)
    feed = Feed(Sampler(open_machine(settings)), interval, window.receive)
    feed.start()
    root.mainloop()
    # Tcl aborts if its objects are garbage-collected in another thread: with gc off they are freed here, at exit.
    gc.disable()
    feed.stop()
    recording = window.controls.recording
    return recording.finish(PATIENCE) if recording else 0


def open_screen() -> tk.Tk:
    """Return Tk's main window, still empty. Raises DesktopError if Tk or a display is missing."""
    try:
        import tkinter as tk  # noqa: PLC0415 - Debian, Fedora and Homebrew package it separately
    except ImportError:
        missing = "apt install python3-tk, dnf install python3-tkinter or brew install python-tk"
        if getattr(sys, "frozen", False):  # the one-file program has Tk only if its build environment had it
            missing = "this file was built without it"
        raise DesktopError(
            f"desktop needs Python's tkinter: {missing}; host-exporter watch shows the same in a terminal"
        ) from None
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415

        # Without this call Windows renders the window at 96 dpi and scales it up, which looks blurred.
        with contextlib.suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
    try:
        return tk.Tk(className="Host-exporter")
    except tk.TclError as reason:
        text = str(reason).partition("\n")[0]
        wants = "needs a screen" if "display" in text else "cannot open a window"  # e.g. Tk's own files are missing
        raise DesktopError(f"desktop {wants}: {text}; host-exporter watch shows the same in a terminal") from None
