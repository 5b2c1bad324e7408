"""When the kernel killed processes because memory ran out, and which processes are gone since.

Which ones it killed is in its own log, which only root may read: what everybody can see is that the count rose, who was
there before, and who no longer is. The last two samples count as "before": the kernel counts a process when it sends
the signal, so one that was killed while a sample was taken may be missing from that and counted in the next. A large
one also takes a while to go, so it is looked for in the samples after as well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.sources.processes import ProcessSample

LASTS = 600.0
"""Seconds for which a kill is news; the same as in HostOomKill."""

FOLLOWED = 60.0
"""Seconds after a kill in which processes that go are counted among those that are gone since."""

SMALLEST = 4 * 2**20
"""Bytes below which a process that is gone is not worth a word: shells and pipes come and go all the time."""

GONE = {"zombie", "dead"}
"""States of a process that has been killed and only waits for its parent to notice."""


class Kill(NamedTuple):
    """How many processes were killed, and when that was noticed (``time.monotonic``)."""

    processes: float
    moment: float


@dataclass(frozen=True, slots=True)
class Gone:
    """Processes of one name that are gone: what they held when last seen, how many they were, how many run now."""

    name: str
    memory_bytes: int
    instances: int
    running: int


class OomKills:
    """Remembers the kills of the last ten minutes, and who is gone since."""

    def __init__(self) -> None:
        self._total: float | None = None
        self._kills: tuple[Kill, ...] = ()
        self._pictures: tuple[Mapping[int, ProcessSample], Mapping[int, ProcessSample]] = ({}, {})
        self._before: dict[int, ProcessSample] = {}
        self._gone: dict[int, ProcessSample] = {}

    def count(self, total: float | None, now: float) -> tuple[Kill, ...]:
        """Take the kernel's count since boot and return the kills of the last ten minutes, the latest last.

        What was counted before the first call is no news: it may be months old.
        """
        if total is not None:
            if self._total is not None and total > self._total:
                self._kills = (*self._kills, Kill(total - self._total, now))
                self._before.update(self._lately())
            self._total = total
        self._kills = tuple(kill for kill in self._kills if now - kill.moment < LASTS)
        return self._kills

    def gone(self, scanned: Mapping[int, ProcessSample], now: float) -> tuple[Gone, ...]:
        """Take a sample's processes and return those gone since the kills of the last ten minutes, largest first."""
        self._pictures = self._pictures[1], scanned
        if not self._kills:
            self._before, self._gone = {}, {}
            return ()
        if now - self._kills[-1].moment > FOLLOWED:
            self._before = {}
        for pid, process in tuple(self._before.items()):
            if not _is_left(process, scanned):
                self._gone[pid] = self._before.pop(pid)
        running = Counter(process.name for process in scanned.values() if process.state not in GONE)
        return _by_name(self._gone.values(), running)

    def _lately(self) -> dict[int, ProcessSample]:
        """Return the processes of the last two samples that are large enough, as they were while they were alive."""
        older, newer = self._pictures
        seen = {**newer, **{pid: each for pid, each in older.items() if not _is_left(each, newer)}}
        return {pid: each for pid, each in seen.items() if each.memory_bytes >= SMALLEST and each.state not in GONE}


def _is_left(process: ProcessSample, scanned: Mapping[int, ProcessSample]) -> bool:
    now = scanned.get(process.pid)
    return now is not None and now.started == process.started and now.state not in GONE


def _by_name(gone: Iterable[ProcessSample], running: Mapping[str, int]) -> tuple[Gone, ...]:
    rows: dict[str, Gone] = {}
    for process in gone:
        row = rows.get(process.name) or Gone(process.name, 0, 0, running.get(process.name, 0))
        rows[row.name] = replace(row, memory_bytes=row.memory_bytes + process.memory_bytes, instances=row.instances + 1)
    return tuple(sorted(rows.values(), key=lambda row: -row.memory_bytes))
