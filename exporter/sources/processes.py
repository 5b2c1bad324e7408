"""What every source of processes gives, on every system."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class ProcessSample(NamedTuple):
    """One process at one moment. ``started`` (any unit) tells it from a later one with the same PID.

    ``cpu_seconds`` is user and system time since its start, ``memory_bytes`` its resident set (RSS), ``state``
    a word as psutil has it. A tuple: 2,000 of them are made a sample, and a dataclass costs three times that.
    """

    pid: int
    name: str
    state: str
    cpu_seconds: float
    memory_bytes: int
    threads: int
    started: float


class ProcessSource(Protocol):
    """Reads all processes; may remember what does not change in a process's life."""

    def scan(self) -> dict[int, ProcessSample]:
        """Return every process that can be seen, by PID. One that ends meanwhile is simply not there."""
        ...

    def user(self, process: ProcessSample) -> str:
        """Return the name of the user that it runs as, "" where it cannot be had."""
        ...
