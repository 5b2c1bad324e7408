"""Reads many filesystems, or files, with a timeout: one dead server must not hang a scrape."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.threads import ThreadError, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.sources.filesystems import Usage

    Probe = Callable[[str], Usage]

T = TypeVar("T")

STEP_ASIDE = 0.05
"""Seconds after which a slow filesystem no longer delays the next one: another worker takes over the rest."""


class _Call(Generic[T]):
    """One probe of one filesystem. ``abandoned`` means that a new worker has replaced the one running it."""

    __slots__ = ("abandoned", "answered", "begun", "path", "result")

    def __init__(self, path: str) -> None:
        self.path = path
        self.begun = 0.0
        self.answered = False
        self.abandoned = False
        self.result: T | str = ""


class FilesystemReader(Generic[T]):
    """Probes many filesystems or files, each within ``limit`` seconds.

    Not thread-safe: the sampler never calls it twice at once.

    One long-lived worker reads them in turn (starting a thread costs 140 us, handing a job to one 20). A filesystem
    that hangs blocks its worker, because a call stuck in the kernel cannot be cancelled; a new worker takes over. The
    hanging filesystem is not probed again until its call returns, and its old worker then exits: there is at most one
    thread per stuck mount, plus one worker.
    """

    def __init__(self, probe: Callable[[str], T], limit: float) -> None:
        self._probe = probe
        self._limit = limit
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[_Call[T]] = SimpleQueue()
        self._answers: SimpleQueue[_Call[T]] = SimpleQueue()
        self._worker: threading.Thread | None = None
        self._stuck: dict[str, _Call[T]] = {}

    def read(self, paths: Sequence[str]) -> list[T | str]:
        """Return, for each path, what its probe returned or a one-line reason why there is none. Raises ThreadError."""
        self._stuck = {path: call for path, call in self._stuck.items() if not call.answered}
        calls = {path: self._stuck.get(path) or _Call[T](path) for path in paths}
        pending = {call for path, call in calls.items() if path not in self._stuck}
        if pending and not self._has_worker():
            self._start_worker()
        for call in calls.values():
            if call in pending:
                self._jobs.put(call)
        while pending:
            try:
                pending.discard(self._answers.get(timeout=STEP_ASIDE))
            except Empty:
                pending -= self._give_up(pending)
        late = f"no answer within {self._limit:g} s"
        return [call.result if call.answered or call.result else late for call in map(calls.__getitem__, paths)]

    def _give_up(self, pending: set[_Call[T]]) -> set[_Call[T]]:
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

    def _put_off(self, reason: str) -> set[_Call[T]]:
        """Take back and return the calls that nobody has begun, since there is no worker."""
        calls: set[_Call[T]] = set()
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
