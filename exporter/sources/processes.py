"""The interface that the process sources of all systems share."""

from __future__ import annotations

from typing import NamedTuple, Protocol

UNKNOWN = "unknown"
"""The state of a process whose state nothing says."""


class ProcessSample(NamedTuple):
    """One process at one moment. ``started`` (in any unit) distinguishes it from a later one with the same PID.

    ``cpu_seconds`` is user plus system time since its start, nan if unknown. ``memory_bytes`` is its resident set size
    (RSS), 0 if unknown; a process without either is never shown. ``state`` is a word of psutil's, or UNKNOWN,
    ``parent`` a PID, 0 if unknown. ``major_faults`` counts the pages that it had to wait for since its start, because
    they were not in memory: read from a file, or swapped in; 0 if unknown.

    It is a tuple because a sample may create 2,000 of them, and a dataclass costs three times as much.
    """

    pid: int
    name: str
    state: str
    cpu_seconds: float
    memory_bytes: int
    threads: int | None
    started: float
    parent: int = 0
    major_faults: int = 0


class ProcessSource(Protocol):
    """Reads all processes; may cache what does not change during a process's life."""

    def scan(self) -> dict[int, ProcessSample]:
        """Return all visible processes by PID. One that exits during the scan is simply missing."""
        ...

    def user(self, process: ProcessSample) -> str:
        """Return the name of the user it runs as, "" if unknown."""
        ...
