"""What the pictures show: the workstation, its desktop window, and a web application on a local port."""

from __future__ import annotations

import gc
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.desktop import open_screen
from exporter.serving.server import open_server
from tests.support_desktop import xvfb
from tests.tools.pictures.workstation import Workstation
from tests.tools.ports import free_port

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable, Iterator

    from exporter.model import Snapshot

DPI = 192
"""Twice the usual, so that the pictures are sharp on a high-resolution screen."""
SCREEN = "2400x1800"


@contextmanager
def workstation() -> Iterator[Workstation]:
    """Yield a workstation before its first sample."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        yield Workstation(Path(folder), patch)


@contextmanager
def served(app: Callable[..., Any]) -> Iterator[str]:
    """Serve a web application with the exporter's own server; yield its URL."""
    server = open_server(app, "127.0.0.1", free_port())
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.url
    finally:
        while not server.ready:
            time.sleep(0.01)
        server.end()
        thread.join()


@contextmanager
def screen() -> Iterator[str]:
    """Start an X server at the resolution of the pictures; yield its display.

    Tk keeps its connection until the process ends, and a broken connection ends the process: open no window afterwards.
    """
    with xvfb(SCREEN, DPI) as display:
        yield display


@contextmanager
def window(machine: Workstation, snapshot: Snapshot, display: str) -> Iterator[tk.Tk]:
    """Show a snapshot in a desktop window that is exactly as high as its content."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", display)
        # The window shows local time and suggests a file in the user's home.
        patch.setenv("TZ", "UTC")
        patch.setenv("HOME", "/home/ada")
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        time.tzset()
        root = open_screen()
        try:
            _show(root, machine, snapshot)
            yield root
        finally:
            root.destroy()
            vars(root).clear()
            gc.collect()  # Tcl must be freed in the thread that created it
            patch.undo()
            time.tzset()


def _show(root: tk.Tk, machine: Workstation, snapshot: Snapshot) -> None:
    from exporter.desktop.window import Window

    # An hour between samples: the window must not warn that this one is old.
    shown = Window(root, machine.settings.thresholds(), 3600, "light", threading.Event())
    shown.show(snapshot)
    root.update()
    height = sum(part.winfo_reqheight() for part in (shown.head.frame, shown.body._frame, shown.controls.frame))
    root.geometry(f"{root.winfo_width()}x{height}+0+0")
    for _ in range(5):  # each pass lays out what the previous one made room for
        root.update()
