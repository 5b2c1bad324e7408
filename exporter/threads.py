"""Starts threads. Where the system has none to give, that costs what the thread was to do, and is said."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("exporter")

NEEDED = 16
"""Threads that ``serve`` should have room for: 10 of its own, and one for each collector or filesystem that hangs."""


class ThreadError(UserError):
    """The system cannot start another thread."""

    exit_code = 1

    def __init__(self, name: str) -> None:
        super().__init__(
            f"cannot start a thread ({name}): a limit on processes (ulimit -u, TasksMax, pids_limit) or on memory "
            f"(ulimit -v) is reached; leave room for {NEEDED} threads in 512 MiB of address space"
        )


def start(target: Callable[[], object], name: str) -> threading.Thread:
    """Start a thread and return it. Raises ThreadError.

    A daemon: a call that is stuck in the kernel must not keep the program from ending.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    launch(thread)
    return thread


def launch(thread: threading.Thread) -> None:
    """Start a thread that exists already. Raises ThreadError."""
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        raise ThreadError(thread.name) from None


class Spare:
    """Starts threads that the program can go on without. ``loss`` says what it lacks then.

    A failure is logged once, until one can be started again.
    """

    def __init__(self, name: str, loss: str) -> None:
        self._name = name
        self._loss = loss
        self._failing = False

    def start(self, target: Callable[[], object]) -> threading.Thread | None:
        """Start a thread and return it, None if there is none to be had."""
        try:
            thread = start(target, self._name)
        except ThreadError as reason:
            if not self._failing:
                log.warning("%s; %s", reason, self._loss)
            self._failing = True
            return None
        self._failing = False
        return thread
