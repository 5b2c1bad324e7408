"""A real screen (Xvfb) for the tests of the window, real keys and clicks (xdotool), and the window itself."""

from __future__ import annotations

import os
import select
import subprocess
import time
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tests.support_servers import missing, program

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable, Iterator

    from exporter.desktop.window import Window

CLASS = "Host-exporter"


@contextmanager
def xvfb(size: str = "1024x768", dpi: int = 96) -> Iterator[str]:
    """Start an X server on a free display and yield the display's name. Stopped by PID."""
    path = program("Xvfb", hint="apt install xvfb")
    inner, outer = os.pipe()
    command = [path, "-displayfd", str(outer), "-screen", "0", f"{size}x24", "-dpi", str(dpi), "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[outer], stderr=subprocess.DEVNULL)
    os.close(outer)
    try:
        number = b""
        while not number.endswith(b"\n"):
            assert select.select([inner], [], [], 30)[0], "Xvfb did not start"
            piece = os.read(inner, 16)
            assert piece, "Xvfb exited at start"
            number += piece
        yield f":{int(number)}"
    finally:
        os.close(inner)
        server.terminate()
        server.wait(30)


def need_tkinter() -> None:
    """Skip, or fail in continuous integration, if this Python has no Tk."""
    if find_spec("_tkinter") is None:
        missing("this Python has no tkinter (apt install python3-tk)")


class Hands:
    """Keyboard and mouse input for our window on a display, as from a person."""

    def __init__(self, display: str) -> None:
        self.display = display
        self._path = program("xdotool", hint="apt install xdotool")

    def do(self, *words: str) -> str:
        env = {**os.environ, "DISPLAY": self.display}
        done = subprocess.run([self._path, *words], env=env, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.strip()

    def window(self) -> str:
        """Return the id of the visible window, empty if there is none."""
        return self.do("search", "--onlyvisible", "--class", CLASS).partition("\n")[0]

    def title(self) -> str:
        return self.do("getwindowname", window) if (window := self.window()) else ""

    def focus(self) -> None:
        """Give the window the keyboard focus, as a window manager would."""
        self.do("windowfocus", self.window())

    def press(self, *keys: str) -> None:
        self.do("key", *keys)

    def type(self, text: str) -> None:
        self.do("type", "--delay", "2", text)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.do("mousemove", str(x), str(y), "click", str(button))

    def place(self) -> tuple[int, int, int, int]:
        """Return x, y, width and height of the window."""
        words = self.do("getwindowgeometry", "--shell", self.window())
        found = dict(line.split("=") for line in words.splitlines())
        return int(found["X"]), int(found["Y"]), int(found["WIDTH"]), int(found["HEIGHT"])


class Desk:
    """A window in this process on a real screen, with keyboard and mouse input."""

    def __init__(self, window: Window, hands: Hands) -> None:
        self.window = window
        self.root = window.root
        self.hands = hands

    def until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Run the window until a condition holds, with enough time for a busy machine."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.texts()
            if self.is_open():  # a condition may be that it has been closed
                self.root.update()
            time.sleep(0.01)

    def is_open(self) -> bool:
        from tkinter import TclError

        try:
            return bool(self.root.winfo_exists())
        except TclError:
            return False

    def settle(self) -> None:
        """Finish all pending drawing."""
        for _ in range(3):
            self.root.update()

    def click(self, widget: tk.Misc) -> None:
        """Click the middle of a widget."""
        self.settle()
        x = widget.winfo_rootx() + widget.winfo_width() // 2
        self.hands.click(x, widget.winfo_rooty() + widget.winfo_height() // 2)

    def texts(self) -> list[str]:
        """Return the texts of all labels and buttons, and the lines of the tables."""
        return shown_texts(self.root)

    def says(self) -> str:
        """Return the recording's status line."""
        return str(self.window.controls.says["text"])


def widgets(widget: tk.Misc) -> Iterator[tk.Misc]:
    yield widget
    for child in widget.winfo_children():
        yield from widgets(child)


def shown_texts(root: tk.Misc) -> list[str]:
    """Return the texts of all labels and buttons of a window, and the lines of its tables."""
    found = []
    for widget in widgets(root):
        if not widget.winfo_ismapped():
            continue
        if widget.winfo_class() in {"Label", "TLabel", "TButton"}:
            found.append(str(widget["text"]))
        elif widget.winfo_class() == "Treeview":
            found += ["  ".join(str(cell) for cell in line) for line in table(widget)]
    return [text.replace("\u00a0", " ") for text in found if text]


def table(tree: Any) -> list[list[str]]:
    """Return the cells of a table as shown."""
    return [[tree.set(line, column) for column in tree["columns"]] for line in tree.get_children()]


def delete_window(display: str, window: str) -> None:
    """Ask a window to close, as its close button does (WM_DELETE_WINDOW); Debian 12's xdotool cannot."""
    import ctypes

    class ClientMessage(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("rest", ctypes.c_long * 24),  # an XEvent is as long as its longest member
        )

    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    server = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    protocols, delete = (x11.XInternAtom(server, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    message = ClientMessage(33, 0, 1, None, int(window), protocols, 32, (delete, 0))
    x11.XSendEvent(server, ctypes.c_ulong(int(window)), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(server)
