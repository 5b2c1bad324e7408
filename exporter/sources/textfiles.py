"""Reads the owner's textfiles (``--textfile-dir``), each under a time limit and only when it has changed (Linux)."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.filesystem_reader import FilesystemReader
from exporter.sources.host import CLOSE_ON_EXEC, printable
from exporter.sources.textfile_parser import parse

if TYPE_CHECKING:
    from exporter.sources.host import Host
    from exporter.sources.textfile_parser import Family

SUFFIX = ".prom"
MOST_BYTES = 1 << 20
MOST_FILES = 100

Seen = tuple[int, int, int]
"""What changes when a file does: its inode, its size, and when it was written in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Textfile:
    """One file: when it was written (Unix time; None if unknown), and what it holds or what is wrong with it."""

    name: str
    modified_seconds: float | None
    families: tuple[Family, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Content:
    """What was read of a file: None if it is as before, or why not."""

    seen: Seen
    content: bytes | None
    error: str = ""


class TextfileReader:
    """Remembers what each file held. Not thread-safe: the sampler never calls it twice at once."""

    def __init__(self, host: Host, folder: str, limit: float) -> None:
        self._host = host
        self._folder = folder
        self._known: dict[str, tuple[Seen, Textfile]] = {}
        self._files = FilesystemReader(self._open, limit)

    def read(self) -> tuple[list[Textfile], int] | None:
        """Return all files in order of their names, and how many were left out; None if there is no such folder.

        Raises OSError if it is there and cannot be read.
        """
        if not self._folder:
            return None
        folder = self._inside(self._folder)
        try:
            every = sorted(name for name in os.listdir(folder) if _is_textfile(name))
        except FileNotFoundError:
            return None
        except OSError as reason:
            raise OSError(f"the folder {self._folder} cannot be read: {reason.strerror}") from None
        names = every[:MOST_FILES]
        # Two of them may be printed alike, or like another file.
        odd = {printable(name) for name in names if not name.isprintable()}.difference(names)
        names = [name for name in names if name.isprintable()]
        paths = [f"{folder}/{name}" for name in names]
        self._known = {path: self._known[path] for path in paths if path in self._known}
        answers = zip(names, paths, self._files.read(paths), strict=True)
        found = [self._textfile(name, path, answer) for name, path, answer in answers]
        found += [Textfile(name, None, error="has a name that cannot be printed: rename it") for name in odd]
        return sorted((each for each in found if each is not None), key=_name), max(0, len(every) - MOST_FILES)

    def _inside(self, path: str) -> str:
        """Return a path on the machine as one that can be opened from here, its links followed as there."""
        root = self._host.rootfs
        if not root:
            return os.path.realpath(path)
        return self._host.inside(path.removeprefix(root) if path.startswith(f"{root}/") else path)

    def _textfile(self, name: str, path: str, answer: _Content | str | None) -> Textfile | None:
        if answer is None:
            return None  # removed since the folder was read
        if isinstance(answer, str):
            return Textfile(name, None, error=answer)
        if answer.content is None and not answer.error:
            return self._known[path][1]
        modified = answer.seen[2] / 1e9
        textfile = Textfile(name, modified, error=answer.error)
        if answer.content is not None:
            try:
                textfile = Textfile(name, modified, parse(answer.content))
            except ValueError as reason:
                textfile = Textfile(name, modified, error=str(reason))
        self._known[path] = (answer.seen, textfile)
        return textfile

    def _open(self, path: str) -> _Content | None:
        """Read a file if it is a regular one and has changed; None if it is gone. Raises OSError.

        A named pipe would wait for somebody to write; whatever a link points at is looked at only below the root mount.
        """
        flags = os.O_RDONLY | CLOSE_ON_EXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
        try:
            file = os.open(self._inside(path), flags)
        except FileNotFoundError:
            if os.path.islink(path):
                raise OSError("is a link that leads nowhere") from None
            return None
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise OSError("is not a regular file")
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if path in self._known and self._known[path][0] == seen:
                return _Content(seen, None)
            if status.st_size > MOST_BYTES:
                return _Content(seen, None, f"is larger than {MOST_BYTES >> 20} MiB")
            return _Content(seen, _contents(file))
        finally:
            os.close(file)


def _contents(file: int) -> bytes:
    content = b""
    while len(content) <= MOST_BYTES and (piece := os.read(file, MOST_BYTES)):
        content += piece
    return content[:MOST_BYTES]


def _name(file: Textfile) -> str:
    return file.name


def _is_textfile(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")
