"""What the resident memory of one process consists of, and what all processes hold together.

On Linux, /proc/PID/smaps_rollup has the proportional set size (PSS), which would be exact. But only root may read it of
other users' processes, and it costs 30 us for a `sleep` and 15 ms where 500 MiB are mapped. Everybody may read
/proc/PID/status, for 9 us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from exporter.sources.host import read_bytes

if TYPE_CHECKING:
    from exporter.sources.host import Host
    from exporter.sources.processes import ProcessSample

MOST = 16 * 1024
"""Bytes of a file to read: in a status file, the list of groups comes before the memory."""

KIB = 1024
DIGITS = 16
"""Maximum digits of an amount in KiB: the kernel's numbers have at most 64 bits."""


class MemoryParts(NamedTuple):
    """The resident memory of one process in bytes.

    ``anonymous`` is its own, except for pages that it has in common with its parent since a fork, until one of the two
    writes to them. ``files`` is mapped from files, such as its code, and ``shared`` was made for sharing: other
    processes may hold both as well.
    """

    anonymous: int
    files: int
    shared: int


class MemoryTotals(NamedTuple):
    """What all processes of the machine hold in bytes, each page counted once; None if unknown."""

    anonymous: float | None = None
    shared: float | None = None


NO_TOTALS = MemoryTotals()


class MemorySource(Protocol):
    """Reads what a process source's figures for memory consist of."""

    def parts(self, process: ProcessSample) -> MemoryParts | None:
        """Return what a process's memory consists of, None if unknown."""
        ...


class LinuxMemory:
    """Reads /proc/PID/status."""

    def __init__(self, host: Host) -> None:
        self._proc = host.proc

    def parts(self, process: ProcessSample) -> MemoryParts | None:
        """Return what a process's memory consists of; None if it has exited, and before Linux 4.5."""
        return parse_parts(read_bytes(f"{self._proc}/{process.pid}/status", MOST) or b"")


class UnknownMemory:
    """macOS, which says what a process has of its own to nobody but its owner."""

    def parts(self, process: ProcessSample) -> MemoryParts | None:  # noqa: ARG002
        """Return nothing."""
        return None


def parse_parts(status: bytes) -> MemoryParts | None:
    """Parse RssAnon, RssFile and RssShmem of a status file, which follow one another (proc(5)); None without them.

    A process cannot fake them in its name, the only text in the file: the kernel escapes its newlines.
    """
    words = status.partition(b"\nRssAnon:")[2].split(maxsplit=8)
    if words[2:6:3] != [b"RssFile:", b"RssShmem:"]:
        return None
    anonymous, files, shared = (_bytes(words[place:]) for place in (0, 3, 6))
    return None if anonymous is None or files is None or shared is None else MemoryParts(anonymous, files, shared)


def _bytes(words: list[bytes]) -> int | None:
    """Return the bytes of an amount in KiB, None if it is none."""
    return int(words[0]) * KIB if words and words[0].isdigit() and len(words[0]) <= DIGITS else None
