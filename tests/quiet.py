"""Lets a test that is marked "load" run alone, also next to another pytest in the same checkout.

`.ci/run` runs the tests of the containers, which wait most of the time, beside all others. Each pytest process holds a
lock together with the others from its first test to its last. A test marked "load" gets it for itself: it waits until
every other process is through, and nobody begins before it has ended.
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
    """One process's hold on the lock, which a file is. Windows has no such locks: there nobody waits."""

    def __init__(self, path: Path = FILE) -> None:
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("w")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all others waiting meanwhile."""
        lock(self._file, "LOCK_UN")  # who holds it and waits for the others would never get it
        lock(self._file, "LOCK_EX")
        try:
            yield
        finally:
            lock(self._file, "LOCK_UN")

    def together(self) -> None:
        """Hold it together with others; changes nothing where it is held so."""
        lock(self._file, "LOCK_SH")

    def close(self) -> None:
        """Let it go."""
        self._file.close()


def lock(file: IO[str], kind: str) -> None:
    """Do with a file's lock what the name of a constant says."""
    with suppress(ImportError):
        import fcntl

        fcntl.flock(file, getattr(fcntl, kind))
