"""CSV and JSON Lines exports: opens the files and appends one row per sample to each."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from exporter.errors import ExportError, SettingError
from exporter.recording.file import ExportFile
from exporter.recording.formats import CsvFormat, JsonLinesFormat
from exporter.recording.reserved import reserved
from exporter.render.rows import row
from exporter.sampling.pace import beats
from exporter.sources.host import WINDOWS
from exporter.threads import launch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.model import Snapshot
    from exporter.sampling.sampler import Sampler
    from exporter.settings import Settings

log = logging.getLogger("exporter")

RESERVED = 'a name that Windows allows: no device such as CON, no dot or space at the end, none of "*:<>?|'


def open_exports(csv_path: str | None, jsonl_path: str | None) -> list[ExportFile]:
    """Return the files to write, checked. Raises ExportError, and SettingError for what is not a file's name.

    A mistake in a flag leaves no new file behind.
    """
    files: list[ExportFile] = []
    for flag, path in ((CsvFormat.flag, csv_path), (JsonLinesFormat.flag, jsonl_path)):
        if path == "-":
            raise SettingError(flag, path, "a file; to print a sample to standard output, use host-exporter stats")
        if WINDOWS and path and reserved(path):
            raise SettingError(flag, path, RESERVED)
    if csv_path and jsonl_path:
        _refuse_one_file(csv_path, jsonl_path)
    if csv_path:
        files.append(ExportFile(csv_path, CsvFormat()))
    if jsonl_path:
        files.append(ExportFile(jsonl_path, JsonLinesFormat()))
    try:
        for file in files:
            file.check()
            if csv_path and jsonl_path and file.is_new:
                # Only now is it certain whether this disk takes "rows" and "ROWS" for the same name.
                _refuse_one_file(csv_path, jsonl_path)
    except ExportError:
        discard(files)
        raise
    return files


def discard(files: Sequence[ExportFile]) -> None:
    """Remove the files that checking them has created: nothing will be written to them."""
    for file in files:
        if file.is_new:
            with suppress(OSError):
                os.remove(file.path)


def _refuse_one_file(csv_path: str, jsonl_path: str) -> None:
    """Raise ExportError if both paths mean the same file, whether or not it exists. A device may be given twice."""
    if os.path.exists(csv_path) and os.path.exists(jsonl_path):
        same = os.path.isfile(csv_path) and os.path.samefile(csv_path, jsonl_path)
    else:
        same = _place(csv_path) == _place(jsonl_path)
    if same:
        raise ExportError(
            f"{CsvFormat.flag} and {JsonLinesFormat.flag} are the same file, {csv_path}; give two different files"
        )


def _place(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def record(files: Sequence[ExportFile], snapshot: Snapshot) -> None:
    """Append a snapshot to each file."""
    if files:
        values = row(snapshot)
        for file in files:
            file.append(values)


def report_lost(files: Sequence[ExportFile]) -> int:
    """Log how many rows of each file could not be written before the exit, and return their total."""
    for file in files:
        if file.waiting:
            log.error("%s: rows lost because they could not be written: %d", file.path, file.waiting)
    return sum(file.waiting for file in files)


PATIENCE = 5.0
"""Seconds to wait at shutdown for a file that blocks: a pipe without a reader, a dead network disk."""


class Recorder:
    """Writes a row every ``interval`` seconds in the background of ``serve``."""

    def __init__(self, sampler: Sampler, settings: Settings, files: Sequence[ExportFile], interval: float) -> None:
        self._sampler = sampler
        self._max_age = min(settings.max_age, interval / 2)
        self._files = files
        self._interval = interval
        self._stop = threading.Event()
        # A daemon: a write that hangs must not keep the program from exiting.
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)

    def start(self) -> None:
        """Start the thread if there is a file to write. Raises ThreadError."""
        if self._files:
            launch(self._thread)

    def stop(self) -> None:
        """Stop after the row being written; log what could not be written."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)
            if self._thread.is_alive():
                names = ", ".join(file.path for file in self._files)
                log.error("%s: a write has blocked for %.0f s; the waiting rows are lost", names, PATIENCE)
        report_lost(self._files)

    def _run(self) -> None:
        last = None
        for _ in beats(self._interval, self._stop):
            snapshot = self._sampler.sample(self._max_age)
            if snapshot is not last:  # after a slow sample the next beat may get the same one
                record(self._files, snapshot)
            last = snapshot
