"""Lets a test that is marked "load" run alone, even beside another pytest in the same checkout.

`.ci/run` runs the container tests, which mostly wait, beside all others. Each pytest process holds a shared lock from
its first test to its last. A test marked "load" takes it exclusively: it waits until all other processes are done, and
no other test starts before it has finished.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

FILE = Path(__file__).parents[1] / ".cache/tests.lock"


class Quiet:
    """One process's handle on the lock, which is a file. On Windows, which has no such locks, nothing waits."""

    def __init__(self, path: Path = FILE) -> None:
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("w")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock exclusively; all others wait."""
        lock(self._file, "LOCK_UN")  # two processes that both hold it shared would wait for each other for ever
        lock(self._file, "LOCK_EX")
        try:
            yield
        finally:
            lock(self._file, "LOCK_UN")

    def together(self) -> None:
        """Hold the lock together with others; has no effect if it is already held that way."""
        lock(self._file, "LOCK_SH")

    def close(self) -> None:
        """Release it."""
        self._file.close()


def lock(file: IO[str], kind: str) -> None:
    """Apply a flock operation, given by its name, to a file."""
    with suppress(ImportError):
        import fcntl

        fcntl.flock(file, getattr(fcntl, kind))
