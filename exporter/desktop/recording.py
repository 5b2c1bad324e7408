"""Records to a CSV file: the same rows as --export-csv, written in a separate thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from exporter.errors import UserError
from exporter.recording.formats import CsvFormat
from exporter.recording.recorder import open_exports, record, report_lost
from exporter.threads import launch
from exporter.thresholds import Level

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.recording.file import ExportFile

log = logging.getLogger("exporter")


class Recording:
    """One file, from "Record" to "Stop recording". A slow disk delays neither the samples nor the window."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._files: list[ExportFile] = []
        self._error = ""
        # Only the latest: samples that a slow disk has missed are skipped, as in ``serve``.
        self._next: deque[Snapshot] = deque(maxlen=1)
        self._wake = threading.Event()
        self._stop = threading.Event()
        # A daemon: a disk that hangs must not keep the program from exiting.
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Start the thread: it opens and checks the file, then writes a row for each snapshot offered."""
        try:
            launch(self._thread)
        except UserError as reason:  # there is none to be had
            self._error = _sentence(str(reason))

    def offer(self, snapshot: Snapshot) -> None:
        """Pass a snapshot to be written next; callable from any thread."""
        self._next.append(snapshot)
        self._wake.set()

    def stop(self) -> None:
        """Ask the thread to stop after the current row; returns immediately."""
        self._stop.set()
        self._wake.set()

    def is_running(self) -> bool:
        """Return whether it is still opening or writing its file."""
        return self._thread.is_alive()

    def finish(self, patience: float) -> int:
        """Stop, wait up to ``patience`` seconds, and return how many rows could not be written."""
        self.stop()
        if self.is_running():
            self._thread.join(patience)
        if self.is_running():
            log.error("%s: the disk is not responding; its last row may be missing", self.path)
        return sum(file.waiting for file in self._files) + self.is_running()

    def state(self) -> tuple[Level, str]:
        """Return the level and text to show in the window."""
        if self._error:
            return Level.CRITICAL, self._error
        running, stopping = self.is_running(), self._stop.is_set()
        if not self._files:
            return Level.OK, f"Opening {self.path}" if running else "Stopped"
        (file,) = self._files
        rows = "1 row" if file.written == 1 else f"{file.written} rows"
        if not running:
            lost = f"; rows lost because they could not be written: {file.waiting}" if file.waiting else ""
            return (Level.CRITICAL if lost else Level.OK), f"Stopped: {rows} written to {self.path}{lost}"
        if stopping:
            return Level.OK, f"Stopping: the last row is being written to {self.path}"
        if file.trouble:
            return Level.WARNING, f"{_sentence(file.trouble)}; trying again, rows waiting: {file.waiting}"
        return Level.OK, f"Recording to {self.path}: {rows}"

    def _run(self) -> None:
        try:
            self._files = open_exports(self.path, None)
            while True:
                self._wake.wait()
                self._wake.clear()
                while self._next:
                    record(self._files, self._next.popleft())
                if self._stop.is_set():
                    report_lost(self._files)
                    return
        except (UserError, ValueError) as reason:  # ValueError: an impossible path
            self._error = _sentence(str(reason).removeprefix(f"{CsvFormat.flag}: "))
        except Exception as reason:  # shown in the window, which keeps running
            self._error = f"Recording has stopped: {reason}"
            log.debug("recording", exc_info=True)


def _sentence(text: str) -> str:
    # Not ``capitalize``, which lowercases the rest and so changes names.
    return text[:1].upper() + text[1:]
