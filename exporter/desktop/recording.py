"""Recording to a CSV file: the rows of --export-csv, written in a thread of their own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from exporter.errors import UserError
from exporter.recording.formats import CsvFormat
from exporter.recording.recorder import open_exports, record, report_lost
from exporter.thresholds import Level

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.recording.file import ExportFile

log = logging.getLogger("exporter")


class Recording:
    """One file from "Record" to "Stop recording". A slow disk stops neither the samples nor the window."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._files: list[ExportFile] = []
        self._error = ""
        # The latest only: what a slow disk has missed is left out, as in ``serve``.
        self._next: deque[Snapshot] = deque(maxlen=1)
        self._wake = threading.Event()
        self._stop = threading.Event()
        # A daemon: a disk that never answers must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begin: the file is opened and looked at, then each offered snapshot becomes a row."""
        self._thread.start()

    def offer(self, snapshot: Snapshot) -> None:
        """Hand over a snapshot to be written next; may be called from any thread."""
        self._next.append(snapshot)
        self._wake.set()

    def stop(self) -> None:
        """End after the row that is being written; returns at once."""
        self._stop.set()
        self._wake.set()

    def is_running(self) -> bool:
        """Return whether it still opens or writes its file."""
        return self._thread.is_alive()

    def finish(self, patience: float) -> int:
        """Stop, wait up to ``patience`` seconds, and return how many rows could not be written."""
        self.stop()
        self._thread.join(patience)
        if self.is_running():
            log.error("%s: the disk does not answer; its last row may be missing", self.path)
        return sum(file.waiting for file in self._files) + self.is_running()

    def state(self) -> tuple[Level, str]:
        """Return how it goes, for a person."""
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
        except (UserError, ValueError) as reason:  # ValueError: a path that can be none
            self._error = _sentence(str(reason).removeprefix(f"{CsvFormat.flag}: "))
        except Exception as reason:  # told in the window, and it goes on
            self._error = f"Recording has ended: {reason}"
            log.debug("recording", exc_info=True)


def _sentence(text: str) -> str:
    # Not ``capitalize``, which would change names; a path at the beginning stays as it is.
    return text[:1].upper() + text[1:]
