"""Watches the keyboard while the terminal shows the live view: q ends it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from exporter.threads import ThreadError, launch

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("exporter")

QUIT = frozenset("qQ")
LOOK = 0.1
"""Seconds between two looks at the keyboard on Windows, which cannot wait for a key and for something else at once."""


@contextmanager
def quit_key(stopped: threading.Event) -> Iterator[None]:
    """Set ``stopped`` when somebody presses q, and give the keyboard back at the end. Ctrl-C stays a signal."""
    if sys.platform == "win32":
        watching = _watch_console(stopped)
    else:
        watching = _watch_terminal(stopped)
    with watching:
        yield


def _launched(thread: threading.Thread) -> bool:
    """Start a thread and return whether there was one to be had."""
    try:
        launch(thread)
    except ThreadError as reason:
        log.warning("%s; q does not end the view, Ctrl-C does", reason)
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _watch_console(stopped: threading.Event) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(LOOK):
                while msvcrt.kbhit():
                    if msvcrt.getwch() in QUIT:
                        stopped.set()

        thread = threading.Thread(target=watch, name="keyboard", daemon=True)
        started = _launched(thread)
        try:
            yield
        finally:
            over.set()
            if started:
                thread.join()

else:
    import select
    import termios
    import tty

    @contextmanager
    def _watch_terminal(stopped: threading.Event) -> Iterator[None]:
        terminal = _keyboard()
        if terminal is None:
            yield
            return
        before = termios.tcgetattr(terminal)
        asleep, bell = os.pipe()
        thread = threading.Thread(target=_watch, args=(terminal, asleep, stopped), name="keyboard", daemon=True)
        started = _launched(thread)
        try:
            if started:
                # A key arrives at once instead of after Enter, and does not show in the view.
                tty.setcbreak(terminal, termios.TCSANOW)
            yield
        finally:
            os.close(bell)
            if started:
                thread.join()
            # Not if the shell has the terminal back. It may also be gone.
            if _is_ours(terminal):
                with suppress(termios.error):
                    termios.tcsetattr(terminal, termios.TCSANOW, before)
            os.close(asleep)
            os.close(terminal)

    def _watch(terminal: int, asleep: int, stopped: threading.Event) -> None:
        """Read keys until ``asleep`` can be read, which is when its other end is closed."""
        with suppress(OSError):  # the terminal was closed
            while asleep not in (ready := select.select([terminal, asleep], [], [])[0]):
                # In the background, reading would suspend the program.
                if not _is_ours(terminal):
                    if select.select([asleep], [], [], LOOK)[0]:
                        return
                elif not (typed := os.read(ready[0], 1024)):
                    return
                elif QUIT.intersection(typed.decode(errors="replace")):
                    stopped.set()

    def _keyboard() -> int | None:
        """Open the terminal, even if standard input is something else; None if there is none to read keys from."""
        for path in (_name_of_input(), "/dev/tty"):
            with suppress(OSError):
                terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
                # In the background, changing the terminal's settings would suspend the program.
                if _is_ours(terminal):
                    return terminal
                os.close(terminal)
        return None

    def _name_of_input() -> str:
        try:
            return os.ttyname(0)
        except OSError:
            return ""

    def _is_ours(terminal: int) -> bool:
        """Return whether we are in the foreground of a terminal."""
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        except OSError:
            return False
