"""Which process the kernel would kill next if the machine ran out of memory: the one with the highest oom_score.

The score weighs what a process holds (resident, swapped out, page tables) and what its owner has set, oom_score_adj: a
browser gives its tabs 300 of 1,000, systemd a desktop's programs 100 or 200. So the largest is often not the first, and
all have to be looked at. But each score is a file of its own, 6 us to read (everybody may), and 2,000 of them would
nearly double the cost of a sample. Therefore: everybody's when the exporter starts and a new process's once, then in
each sample those of the processes that have most and of those that scored highest, which are what changes the answer,
and a few others in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from itertools import islice
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from exporter.sources.host import LINUX, plain_int, read_bytes
from exporter.sources.process_memory import DIGITS, KIB, MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.sources.host import Host
    from exporter.sources.processes import ProcessSample

FIRST = 3
"""How many of the highest scores, and of the largest processes, are read anew in each sample."""

NEW = 30
"""How many processes without a score are looked at in each sample: a build starts hundreds a second."""

TURN = 3
"""How many others are read in each sample: an owner may set another adjustment at any time, and pages are swapped."""

LONGEST = 8
"""Bytes of a score: at most 2,000, and a newline."""


@dataclass(frozen=True, slots=True)
class Victim:
    """The process that would be killed next, and what it holds: resident, and swapped out if that is known."""

    name: str
    pid: int
    memory_bytes: int


class OomScores:
    """Keeps the last known score of every process."""

    def __init__(self, host: Host) -> None:
        self._proc = host.proc
        self._scores: dict[int, int] = {}
        self._turn = 0

    def next(
        self,
        scanned: Mapping[int, ProcessSample],
        largest: Sequence[ProcessSample],
        *,
        everybody: bool = False,
        swapping: bool = True,
    ) -> Victim | None:
        """Return the process that would be killed next, None if unknown.

        ``largest`` are those with the most memory, in order. ``everybody``: read all unknown scores, not a few.
        ``swapping``: some memory is swapped out.
        """
        if not LINUX:
            return None
        scores = self._scores
        for pid in scores.keys() - scanned.keys():
            del scores[pid]
        unknown = scanned.keys() - scores.keys()
        self._read(scanned[pid] for pid in (unknown if everybody else islice(unknown, NEW)))
        self._read(islice(scanned.values(), self._turn, self._turn + TURN))
        self._turn = self._turn + TURN if self._turn + TURN < len(scanned) else 0
        first = {process.pid for process in largest[:FIRST]}
        first.update(pid for pid, _ in nlargest(FIRST, scores.items(), key=itemgetter(1)))
        self._read(scanned[pid] for pid in first)
        # The kernel compares pages, of which a score is a thousandth of all memory: of equal ones, the larger is first.
        highest = max(scores.values(), default=0)
        equal = (scanned[pid] for pid, score in scores.items() if score == highest)
        if not highest:
            return None
        process = max(equal, key=attrgetter("memory_bytes"))
        swapped = self._swapped(process) if swapping else 0
        return Victim(process.name, process.pid, process.memory_bytes + swapped)

    def _swapped(self, process: ProcessSample) -> int:
        """Return the bytes that a process has in swap, 0 if unknown (VmSwap of its status file)."""
        status = read_bytes(f"{self._proc}/{process.pid}/status", MOST) or b""
        words = status.partition(b"\nVmSwap:")[2].split(maxsplit=1)
        return int(words[0]) * KIB if words and words[0].isdigit() and len(words[0]) <= DIGITS else 0

    def _read(self, processes: Iterable[ProcessSample]) -> None:
        """Read scores; 0 for a process that has exited, and for what is never killed: kernel threads, PID 1."""
        for process in processes:
            text = read_bytes(f"{self._proc}/{process.pid}/oom_score", LONGEST) or b""
            score = text.strip()
            self._scores[process.pid] = plain_int(score) or 0
