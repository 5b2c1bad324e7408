"""Reads the usage of mounted filesystems, with a timeout: one dead server must not hang a scrape."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import psutil

from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import LINUX
from exporter.threads import ThreadError, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.sources.mounts import Mount

    Probe = Callable[[str], "Usage"]

UNKNOWN = -1
"""What filesystems such as CephFS report instead of a number of inodes that they do not know: all bits set."""

STEP_ASIDE = 0.05
"""Seconds after which a slow filesystem no longer delays the next one: another worker takes over the rest."""


MOST_RESERVED = 0.5
"""Share of a filesystem that can be reserved for root, the most that ext4 accepts."""

NOT_ALLOWED, FAILED = os.strerror(errno.EACCES), os.strerror(errno.EIO)
"""The reasons given for a filesystem that this user may not look at, and for one that has failed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A filesystem's bytes and inodes. ``device_number`` is the one in stat(2), "" if unknown.

    ``inodes`` is 0 if the filesystem has no fixed number of them (btrfs, FAT, NTFS) or does not say how many are in
    use. Figures are as the filesystem reports them, however impossible; ``available_bytes`` is below 0 if less is free
    than is reserved for root.
    """

    size_bytes: int
    used_bytes: int
    available_bytes: int
    inodes: int = 0
    inodes_used: int = 0
    device_number: str = ""
    is_mountpoint: bool = True


def read_usage(path: str) -> Usage:
    """Return a filesystem's usage from statvfs(2), as ``df`` does, or psutil.disk_usage. Raises OSError."""
    if not LINUX:
        usage = psutil.disk_usage(path)
        return Usage(usage.total, usage.used, usage.free, device_number=_volume(path))
    here, above = os.stat(path), os.stat(os.path.dirname(path.rstrip("/")) or "/")
    stat = os.statvfs(path)
    blocks, free, available, inodes, inodes_free = map(
        _signed, (stat.f_blocks, stat.f_bfree, stat.f_bavail, stat.f_files, stat.f_ffree)
    )
    counted = UNKNOWN not in {inodes, inodes_free}
    return Usage(
        size_bytes=blocks * stat.f_frsize,
        used_bytes=(blocks - free) * stat.f_frsize,
        available_bytes=available * stat.f_frsize,
        inodes=inodes if counted else 0,
        inodes_used=inodes - inodes_free if counted else 0,
        device_number=f"{os.major(here.st_dev)}:{os.minor(here.st_dev)}",
        is_mountpoint=here.st_dev != above.st_dev or here.st_ino == above.st_ino,
    )


def is_another(mount: Mount, answer: Usage | str) -> bool:
    """Return whether a path leads to another filesystem than the mount's.

    It was mounted after our container had started, or the mount is not visible from here for another reason.
    """
    if isinstance(answer, str) or not mount.device_number or not answer.device_number:
        return False
    if mount.fstype != "btrfs":
        return answer.device_number != mount.device_number
    # stat(2) reports a number of its own for each subvolume, always of no device; mountinfo has one for the whole
    # filesystem. A folder that is mounted within its own filesystem shows the right figures, visible or not.
    is_folder = not answer.is_mountpoint and mount.within != mount.device_number
    return is_folder or not answer.device_number.startswith("0:")


def space(usage: Usage) -> tuple[float, float]:
    """Return the bytes used and available; what cannot be is IMPOSSIBLE: less than none, or more than there is."""
    size, used, available = usage.size_bytes, usage.used_bytes, usage.available_bytes
    if not 0 <= used <= size:
        return IMPOSSIBLE, available if 0 <= available <= size else IMPOSSIBLE
    if available < 0 and size - used - available <= size * MOST_RESERVED:
        available = 0  # root has used some of what is reserved for it: nothing is left for others
    return used, available if 0 <= available <= size else IMPOSSIBLE


def inodes_ratio(usage: Usage) -> float | None:
    """Return the share of inodes in use, None if their number is not fixed, IMPOSSIBLE if it cannot be."""
    if not usage.inodes:
        return None
    return usage.inodes_used / usage.inodes if 0 <= usage.inodes_used <= usage.inodes else IMPOSSIBLE


def _signed(number: int) -> int:
    """Return a number of statvfs(2) as the driver meant it: the fields are unsigned, but some put a -1 in."""
    return number - 2**64 if number >= 2**63 else number


def _volume(path: str) -> str:
    """Return what tells a volume from others, on Windows its serial number; "" if unknown."""
    try:
        return str(os.stat(path).st_dev)
    except OSError:
        return ""


class _Call:
    """One probe of one filesystem. ``abandoned`` means that a new worker has replaced the one running it."""

    __slots__ = ("abandoned", "answered", "begun", "path", "result")

    def __init__(self, path: str) -> None:
        self.path = path
        self.begun = 0.0
        self.answered = False
        self.abandoned = False
        self.result: Usage | str = ""


class FilesystemReader:
    """Reads many filesystems, each within ``limit`` seconds. Not thread-safe: the sampler never calls it twice at once.

    One long-lived worker reads them in turn (starting a thread costs 140 us, handing a job to one 20). A filesystem
    that hangs blocks its worker, because a call stuck in the kernel cannot be cancelled; a new worker takes over. The
    hanging filesystem is not probed again until its call returns, and its old worker then exits: there is at most one
    thread per stuck mount, plus one worker.
    """

    def __init__(self, probe: Probe, limit: float) -> None:
        self._probe = probe
        self._limit = limit
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[_Call] = SimpleQueue()
        self._answers: SimpleQueue[_Call] = SimpleQueue()
        self._worker: threading.Thread | None = None
        self._stuck: dict[str, _Call] = {}

    def read(self, paths: Sequence[str]) -> list[Usage | str]:
        """Return, for each path, its usage or a one-line reason why there is none. Raises ThreadError."""
        self._stuck = {path: call for path, call in self._stuck.items() if not call.answered}
        calls = {path: self._stuck.get(path) or _Call(path) for path in paths}
        pending = {call for path, call in calls.items() if path not in self._stuck}
        if pending and not self._has_worker():
            self._start_worker()
        for call in pending:
            self._jobs.put(call)
        while pending:
            try:
                pending.discard(self._answers.get(timeout=STEP_ASIDE))
            except Empty:
                pending -= self._give_up(pending)
        late = f"no answer within {self._limit:g} s"
        return [calls[path].result or late for path in paths]

    def _give_up(self, pending: set[_Call]) -> set[_Call]:
        """Replace a worker that is held up; return the calls that have timed out."""
        now = time.monotonic()
        over = {call for call in pending if call.begun and now - call.begun >= self._limit}
        with self._lock:
            over = {call for call in over if not call.answered}
            held_up = {call for call in pending if call.begun and not call.answered and not call.abandoned}
            replace = bool(held_up) and (bool(over) or not self._jobs.empty())
            for call in held_up if replace else ():
                call.abandoned = True
        self._stuck |= {call.path: call for call in over}
        if replace:
            try:
                self._start_worker()
            except ThreadError as reason:
                over |= self._put_off(str(reason))
        elif not self._has_worker() and not any(call.begun and not call.answered for call in pending):
            over |= self._put_off("its thread has ended for want of memory") or pending
        return over

    def _put_off(self, reason: str) -> set[_Call]:
        """Take back and return the calls that nobody has begun, since there is no worker."""
        calls = set()
        with suppress(Empty):
            while True:
                calls.add(self._jobs.get_nowait())
        for call in calls:
            call.result = reason
        return calls

    def _has_worker(self) -> bool:
        return self._worker is not None and self._worker.is_alive()

    def _start_worker(self) -> None:
        self._worker = None
        self._worker = start(self._work, "filesystem")

    def _work(self) -> None:
        while True:
            call = self._jobs.get()
            call.begun = time.monotonic()
            try:
                call.result = self._probe(call.path)
            except OSError as reason:
                call.result = reason.strerror or str(reason)
            except Exception as reason:  # noqa: BLE001 - any failure concerns this filesystem only
                call.result = f"{type(reason).__name__}: {reason}"
            with self._lock:
                call.answered = True
                replaced = call.abandoned
            self._answers.put(call)
            if replaced:
                return
