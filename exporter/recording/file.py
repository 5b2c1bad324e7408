"""A file that rows are appended to; a full disk or a vanished folder costs no row and ends nothing."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections import deque
from typing import TYPE_CHECKING

from exporter.errors import ExportError

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
"""Rows kept while a file cannot be written: some hours at the usual interval, about 3 MiB."""

LONGEST_LINE = 64 * 1024
"""Bytes that are looked at for a file's first and last line."""

PATIENCE = 1.0
"""Seconds to wait for a file that another program has locked."""

PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EAGAIN}
"""Troubles of a file that may be over the next time: full disk, full quota, a server that is gone, a lock."""


class ExportFile:
    """One file that rows are appended to. It is opened for each row, so it may be moved away meanwhile."""

    def __init__(self, path: str, form: CsvFormat | JsonLinesFormat) -> None:
        self.path = path
        self._form = form
        self._waiting: deque[str] = deque(maxlen=WAITING_ROWS)
        self._trouble = ""
        self._begun = False
        self._lost = 0
        self._written = 0

    def check(self) -> None:
        """Raise ExportError where the file has other columns or cannot be written; close a cut last line.

        A disk that is full at the moment is no reason not to start: it is reported and tried again.
        """
        try:
            with open(self.path, "a+b", buffering=0) as file:
                self._check(file)
        except OSError as reason:
            text = f"cannot write {self.path}: {reason.strerror}"
            if reason.errno not in PASSING:
                raise ExportError(f"{self._form.flag}: {text}; give a file in a folder that can be written") from None
            self._report(text)

    @property
    def waiting(self) -> int:
        """Rows that could not be written yet."""
        return len(self._waiting)

    @property
    def written(self) -> int:
        """Rows written so far."""
        return self._written

    @property
    def trouble(self) -> str:
        """Why rows are waiting, empty where all is well."""
        return self._trouble

    def append(self, values: dict[str, Value]) -> None:
        """Write a row, after those that are still waiting. What fails is logged once and tried again."""
        self._lost += len(self._waiting) == WAITING_ROWS
        self._waiting.append(self._form.line(values))
        try:
            self._write()
        except OSError as reason:
            self._report(f"cannot write {self.path}: {reason.strerror}; rows waiting: {len(self._waiting)}")
        except ExportError as reason:
            self._report(f"{reason}; rows waiting: {len(self._waiting)}")
        else:
            if self._trouble:
                lost = f"rows lost: {self._lost}" if self._lost else "no row is lost"
                log.warning("%s is written again, %s", self.path, lost)
            self._trouble, self._lost = "", 0

    def _write(self) -> None:
        with open(self.path, "a+b", buffering=0) as file:
            self._check(file)
            while self._waiting:
                self._write_whole(file, self._waiting[0])
                self._waiting.popleft()
                self._written += 1

    def _check(self, file: io.FileIO) -> None:
        """Look at the file before each row, since it may be another one by now: its header, its last line."""
        lock(file)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):  # a device or a pipe has no beginning to look at
            if not self._begun:
                self._write_whole(file, self._form.header)
        elif status.st_size:
            self._check_columns(file)
            self._close_last_line(file, status.st_size)
        else:
            self._write_whole(file, self._form.header)
        self._begun = True

    def _check_columns(self, file: io.FileIO) -> None:
        """Raise ExportError where the file has other columns."""
        file.seek(0)
        first, newline, _ = _text(file.read(LONGEST_LINE)).partition("\n")
        if not (self._form.fits(first.rstrip("\r")) if newline else self._form.begun(first)):
            raise ExportError(
                f"{self._form.flag}: {self.path} has other columns and is left as it is; "
                "give a new file, or one that this version began"
            )

    def _close_last_line(self, file: io.FileIO, size: int) -> None:
        """Close a line that a crash cut off, so that the next row stands on a line of its own."""
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
        log.warning("%s ended in the middle of a row; it is closed and the next rows follow it", self.path)

    def _write_whole(self, file: io.FileIO, text: str) -> None:
        """Append a line wholly or not at all: half a line on a full disk is taken back."""
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
    """Hold a file until it is closed, so that two exporters that share it do not both write the header.

    Raises BlockingIOError where another program holds it for longer than a row takes.
    """
    if fcntl is None:
        return
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BlockingIOError(errno.EAGAIN, "another program holds it") from None
            time.sleep(0.02)
        except OSError:  # some network filesystems have no locks; rows are appended in one piece there too
            return
        else:
            return


def _begin_of_last_line(file: io.FileIO, size: int) -> int:
    """Return where the last line begins. It may be long: a power failure can leave 1 MB of zeros at the end."""
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
