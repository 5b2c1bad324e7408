"""A file that rows are appended to. A full disk or a missing folder loses no rows and stops nothing."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections import deque
from typing import TYPE_CHECKING

from exporter.errors import ExportError, cause

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import io

    from exporter.recording.formats import CsvFormat, JsonLinesFormat
    from exporter.render.rows import Value

log = logging.getLogger("exporter")

WAITING_ROWS = 10_000
"""Rows buffered while a file cannot be written: several hours at the default interval, about 3 MiB."""

LONGEST_LINE = 64 * 1024
"""Bytes to read when looking for a file's first or last line."""

PATIENCE = 1.0
"""Seconds to wait for a file that another program has locked."""

PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EAGAIN}
"""Errors that may clear by the next attempt: full disk, exceeded quota, I/O error, lost server, lock."""


class ExportFile:
    """One file that rows are appended to. It is reopened for each row, so it may be moved or rotated at any time."""

    def __init__(self, path: str, form: CsvFormat | JsonLinesFormat) -> None:
        self.path = path
        self._form = form
        self._waiting: deque[str] = deque(maxlen=WAITING_ROWS)
        self._trouble = ""
        self._begun = False
        self._lost = 0
        self._written = 0
        self.is_new = False
        """Whether ``check`` has created it."""

    def check(self) -> None:
        """Raise ExportError if the file has other columns or cannot be written; complete a truncated last line.

        A full disk does not prevent the start: it is logged, and writing is retried.
        """
        is_new = not os.path.lexists(self.path)
        try:
            with open(self.path, "a+b", buffering=0) as file:
                self.is_new = is_new
                self._check(file)
        except OSError as reason:
            text = f"cannot write {self.path}: {cause(reason)}"
            if reason.errno not in PASSING:
                raise ExportError(f"{self._form.flag}: {text}; give a file in a folder that can be written") from None
            self._report(text)

    @property
    def waiting(self) -> int:
        """Number of rows still to be written."""
        return len(self._waiting)

    @property
    def written(self) -> int:
        """Number of rows written so far."""
        return self._written

    @property
    def trouble(self) -> str:
        """Why rows are waiting; empty if none are."""
        return self._trouble

    def append(self, values: dict[str, Value]) -> None:
        """Write a row, after any that are still waiting. A failure is logged once and retried."""
        self._lost += len(self._waiting) == WAITING_ROWS
        self._waiting.append(self._form.line(values))
        try:
            self._write()
        except OSError as reason:
            self._report(f"cannot write {self.path}: {cause(reason)}; rows waiting: {len(self._waiting)}")
        except ExportError as reason:
            self._report(f"{reason}; rows waiting: {len(self._waiting)}")
        else:
            if self._trouble:
                lost = f"rows lost: {self._lost}" if self._lost else "no rows lost"
                log.warning("%s can be written again, %s", self.path, lost)
            self._trouble, self._lost = "", 0

    def _write(self) -> None:
        with open(self.path, "a+b", buffering=0) as file:
            self._check(file)
            while self._waiting:
                self._write_whole(file, self._waiting[0])
                self._waiting.popleft()
                self._written += 1

    def _check(self, file: io.FileIO) -> None:
        """Check header and last line before each row, since the file may have been replaced."""
        lock(file)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):  # a device or a pipe has no header to check
            if not self._begun:
                self._write_whole(file, self._form.header)
        elif status.st_size:
            self._check_columns(file)
            self._close_last_line(file, status.st_size)
        else:
            self._write_whole(file, self._form.header)
        self._begun = True

    def _check_columns(self, file: io.FileIO) -> None:
        """Raise ExportError if the file has other columns."""
        file.seek(0)
        first, newline, _ = _text(file.read(LONGEST_LINE)).partition("\n")
        if not (self._form.fits(first.rstrip("\r")) if newline else self._form.begun(first)):
            raise ExportError(
                f"{self._form.flag}: {self.path} has other columns and was left unchanged; "
                "give a new file, or one started by this version"
            )

    def _close_last_line(self, file: io.FileIO, size: int) -> None:
        """Complete a line that a crash truncated, so that the next row starts on a line of its own."""
        begin = _begin_of_last_line(file, size)
        if begin == size:
            return
        file.seek(begin)
        cut = _text(file.read(LONGEST_LINE))
        closed = self._form.close(cut)
        same = [ours == theirs for ours, theirs in zip(cut, closed, strict=False)]
        keep = same.index(False) if False in same else len(same)
        file.truncate(begin + len(_bytes(cut[:keep])))
        self._write_whole(file, closed[keep:])
        log.warning("%s ended in the middle of a row; that row was completed and new rows follow it", self.path)

    def _write_whole(self, file: io.FileIO, text: str) -> None:
        """Append a whole line or nothing: if the disk fills up halfway, the part written is removed."""
        data = _bytes(text)
        before = os.fstat(file.fileno()).st_size
        written = 0
        try:
            while written < len(data):
                written += file.write(data[written:])
        except OSError:
            if written:
                file.truncate(before)
            raise

    def _report(self, text: str) -> None:
        kind = text.partition(";")[0]
        if kind != self._trouble:
            log.error("%s; trying again", text)
        self._trouble = kind


def lock(file: io.FileIO) -> None:
    """Lock a file until it is closed, so that two exporters sharing it do not both write the header.

    Raises BlockingIOError if another program keeps it locked for longer than writing a row takes.
    """
    if fcntl is None:
        return
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BlockingIOError(errno.EAGAIN, "locked by another program") from None
            time.sleep(0.02)
        except OSError:  # some network filesystems have no locks; each row is still appended with one write
            return
        else:
            return


def _begin_of_last_line(file: io.FileIO, size: int) -> int:
    """Return the offset of the last line. It may be long: a power failure can leave 1 MB of zeros at the end."""
    end = size
    while end > 0:
        begin = max(0, end - LONGEST_LINE)
        file.seek(begin)
        newline = file.read(end - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
