"""The memory that all processes of one program hold together, with the pages that they share counted once.

The sum of their resident sets (RSS) has shared pages in it once per process: 5.4 GiB for a browser that holds 1.6 GiB.
docs/architecture.md compares both with the kernel's exact figures for real programs.

Too much is left where processes have anonymous memory in common since a fork, until one of them writes to it: nothing
that everybody may read tells it from a process's own. But the kernel counts all anonymous memory together (AnonPages).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.process_memory import NO_TOTALS, MemoryParts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.sources.process_memory import MemorySource, MemoryTotals
    from exporter.sources.processes import ProcessSample

    Parts = dict[int, tuple[ProcessSample, MemoryParts]]


class Held(NamedTuple):
    """What one program holds, in bytes. The truth lies between ``least`` and ``most`` of each kind."""

    anonymous_least: int
    anonymous_most: int
    shared_least: int
    shared_most: int
    files: int


@dataclass(frozen=True, slots=True)
class _Known:
    """A program as of the last sample, so that processes which hold as much as then are not read again."""

    processes: list[ProcessSample]
    parts: Parts
    held: Held


class ProgramMemory:
    """Finds the programs that hold the most memory."""

    def __init__(self, source: MemorySource) -> None:
        self._source = source
        self._known: dict[str, _Known] = {}

    def largest(
        self,
        programs: Mapping[str, list[ProcessSample]],
        resident: Mapping[str, int],
        most: int,
        also: Iterable[str],
        totals: MemoryTotals = NO_TOTALS,
    ) -> dict[str, int]:
        """Return the bytes held by at least the ``most`` programs that hold most, and by those in ``also``.

        ``resident`` is the sum of each program's resident sets, which no figure exceeds: so the programs are read from
        the largest sum downwards, until the next cannot be among the first any more.
        """
        ranked = sorted(resident, key=resident.__getitem__, reverse=True)
        known = {name: self._read(name, programs[name]) for name in (*also, *ranked[:most])}
        figures = _figures(known, totals)
        for name in ranked[most:]:
            if nlargest(most, figures.values())[-1] >= resident[name]:
                break
            if name not in known:
                known[name] = self._read(name, programs[name])
                figures = _figures(known, totals)
        self._known = known
        return figures

    def _read(self, name: str, processes: list[ProcessSample]) -> _Known:
        """Return a program's memory; only processes that hold more or less than before are read."""
        before = self._known.get(name)
        if before is not None and before.processes == processes:  # fast: list items are compared by identity first
            return before
        known = before.parts if before is not None else {}
        parts: Parts = {}
        for process in processes:
            old = known.get(process.pid)
            # As much as before is the same as before: what a process holds moves by allocating and mapping.
            same = old is not None and is_unchanged(old[0], process)
            parts[process.pid] = old if old is not None and same else (process, self._parts(process))
        if before is not None and parts == known:
            return _Known(processes, parts, before.held)
        return _Known(processes, parts, held(parts.values()))

    def _parts(self, process: ProcessSample) -> MemoryParts:
        """Return what a process's memory consists of; where that is unknown, all of it counts as its own."""
        known = self._source.parts(process) if process.memory_bytes else None
        return known or MemoryParts(process.memory_bytes, 0, 0)


def is_unchanged(before: ProcessSample, now: ProcessSample) -> bool:
    """Return whether a process is the same and holds as much memory as before."""
    return before is now or (before.memory_bytes == now.memory_bytes and before.started == now.started)


def held(processes: Iterable[tuple[ProcessSample, MemoryParts]]) -> Held:
    """Return what the processes of one program hold.

    Files are counted once, by the process that has most of them: all run the same code. What was made for sharing is
    counted once in each family, a process and those that it started: ten virtual machines do not share their memory.
    """
    roots: dict[int, int] = {}
    anonymous: dict[int, int] = {}
    shared: dict[int, int] = {}
    total = files = 0
    # A parent comes before its children: it is older, and of the same clock tick, its PID is lower.
    for process, parts in sorted(processes, key=lambda each: each[0].started):
        root = roots[process.pid] = roots.get(process.parent, process.pid)
        anonymous[root] = max(anonymous.get(root, 0), parts.anonymous)
        shared[root] = max(shared.get(root, 0), parts.shared)
        total += parts.anonymous
        files = max(files, parts.files)
    return Held(sum(anonymous.values()), total, max(shared.values(), default=0), sum(shared.values()), files)


def _figures(known: Mapping[str, _Known], totals: MemoryTotals) -> dict[str, int]:
    """Return each program's bytes: the most that it can hold, given what the kernel counts for all of them.

    No program has more anonymous memory than there is, less what the other programs have at the least. Where a fork
    has doubled a large process, that is close to the truth.
    """
    anonymous = sys.maxsize if totals.anonymous is None else int(totals.anonymous)
    shared = sys.maxsize if totals.shared is None else int(totals.shared)
    claimed = sum(each.held.anonymous_least for each in known.values())
    return {
        name: each.held.files
        + _within(each.held.anonymous_least, each.held.anonymous_most, anonymous - claimed + each.held.anonymous_least)
        + _within(each.held.shared_least, each.held.shared_most, shared)
        for name, each in known.items()
    }


def _within(least: int, most: int, limit: int) -> int:
    return max(least, min(most, limit))
