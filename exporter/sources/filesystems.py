"""Asks mounted filesystems for their figures, with a time limit: one dead server must not hang a scrape."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Probe = Callable[[str], "Usage"]

STEP_ASIDE = 0.05
"""Seconds after which a slow filesystem no longer holds up the next one: it is waited for beside it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a filesystem says of itself: bytes and inodes. ``device_number`` as in mountinfo, "" if unknown.

    ``inodes`` is 0 where the filesystem has no fixed number of them (btrfs, FAT, NTFS).
    """

    size_bytes: int
    used_bytes: int
    available_bytes: int
    inodes: int = 0
    inodes_used: int = 0
    device_number: str = ""
    is_mountpoint: bool = True


def read_usage(path: str) -> Usage:
    """Return a filesystem's figures, from statvfs(2) as ``df`` does, or psutil.disk_usage. Raises OSError."""
    if not LINUX:
        usage = psutil.disk_usage(path)
        return Usage(usage.total, usage.used, usage.free)
    here, above = os.stat(path), os.stat(os.path.dirname(path.rstrip("/")) or "/")
    stat = os.statvfs(path)
    return Usage(
        size_bytes=stat.f_blocks * stat.f_frsize,
        used_bytes=(stat.f_blocks - stat.f_bfree) * stat.f_frsize,
        available_bytes=stat.f_bavail * stat.f_frsize,
        inodes=stat.f_files,
        inodes_used=stat.f_files - stat.f_ffree,
        device_number=f"{os.major(here.st_dev)}:{os.minor(here.st_dev)}",
        is_mountpoint=here.st_dev != above.st_dev or here.st_ino == above.st_ino,
    )


class _Call:
    """One question to one filesystem; ``done`` once it has answered or failed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.begun = 0.0
        self.done = threading.Event()
        self.result: Usage | str = ""


class FilesystemReader:
    """Reads many filesystems, each within ``limit`` seconds.

    One thread reads them one after another and ends. A filesystem that does not answer keeps that thread
    (nothing can end a call that is stuck in the kernel); another takes over the rest. It is not asked again
    before its call has returned, so there is never more than one thread for each stuck mount.
    """

    def __init__(self, probe: Probe, limit: float) -> None:
        self._probe = probe
        self._limit = limit
        self._stuck: dict[str, _Call] = {}

    def read(self, paths: Sequence[str]) -> list[Usage | str]:
        """Return for each path its figures, or in one line why there are none."""
        self._stuck = {path: call for path, call in self._stuck.items() if not call.done.is_set()}
        calls = {path: self._stuck.get(path) or _Call(path) for path in paths}
        waiting = deque(call for path, call in calls.items() if path not in self._stuck)
        asked = list(waiting)
        if waiting:
            self._start(waiting)
        for call in asked:
            if not call.done.wait(STEP_ASIDE) and waiting:
                self._start(waiting)
        for call in asked:
            if not call.done.wait(self._remaining(call)):
                self._stuck[call.path] = call
        late = f"does not answer ({self._limit:g} s)"
        return [calls[path].result if calls[path].done.is_set() else late for path in paths]

    def _remaining(self, call: _Call) -> float:
        # A call that is not begun yet stands behind a slow one: its own time starts when it is asked.
        return max(0.0, (call.begun or time.monotonic()) + self._limit - time.monotonic())

    def _start(self, waiting: deque[_Call]) -> None:
        # Daemon threads: a stuck one must not keep the program from ending.
        threading.Thread(target=self._work, args=(waiting,), name="filesystem", daemon=True).start()

    def _work(self, waiting: deque[_Call]) -> None:
        while True:
            try:
                call = waiting.popleft()
            except IndexError:
                return
            call.begun = time.monotonic()
            try:
                call.result = self._probe(call.path)
            except OSError as reason:
                call.result = reason.strerror or str(reason)
            except Exception as reason:  # noqa: BLE001 - whatever it is belongs to this filesystem alone
                call.result = f"{type(reason).__name__}: {reason}"
            finally:
                call.done.set()
