"""How long requests to a disk take, from the counters of two moments, and since when it has been slow or silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from exporter.sources.diskstats import DiskCounters

STEP = 60.0
"""Seconds, at least, over which a disk is judged: one burst of writes does not make it slow."""
LEAST_QUEUE = 0.5
"""Requests waiting on average: a disk with less to do keeps nobody waiting, such as one that wakes up now and then."""


class Mark(NamedTuple):
    """The counters at a moment (monotonic clock), from which on a disk is judged next."""

    at: float
    io: DiskCounters


class Course(NamedTuple):
    """How a disk has done up to now, for the next sample to go on from.

    ``slow_since`` is the beginning of the time in which it has been slow throughout, and ``request_seconds`` how long
    a request took on average in the last STEP of that; ``silent_since`` the moment since when it has had requests in
    progress and has not completed any. Each is None if it is not so.
    """

    io: DiskCounters
    at: float
    mark: Mark
    slow_since: float | None = None
    request_seconds: float | None = None
    silent_since: float | None = None


def begin(io: DiskCounters, now: float) -> Course:
    """Return the course of a disk that is seen for the first time."""
    return Course(io, now, Mark(now, io))


def go_on(before: Course, io: DiskCounters, now: float, limit: float | None) -> Course:
    """Return the course at the next sample. ``limit`` is that of a slow request in seconds, None for no limit."""
    silent = None
    if _waits(io) and _waits(before.io) and _completed(io) == _completed(before.io):
        silent = before.at if before.silent_since is None else before.silent_since
    mark = before.mark
    if now - mark.at < STEP:
        return Course(io, now, mark, before.slow_since, before.request_seconds, silent)
    took = request_seconds(mark.io, io, now - mark.at)
    if took is None or limit is None or took < limit:
        return Course(io, now, Mark(now, io), silent_since=silent)
    since = mark.at if before.slow_since is None else before.slow_since
    return Course(io, now, Mark(now, io), since, took, silent)


def request_seconds(then: DiskCounters, now: DiskCounters, elapsed: float) -> float | None:
    """Return how long a request took, None if too few waited or it is not counted: as the rule HostDiskSlow does.

    It is the time of a read, with its wait in the queue, as a program waits for each. Writes are collected in memory
    and queue up by hundreds on a healthy disk: of them, only the time counts in which the disk was at work.
    """
    reading, writing = grown(now.read_seconds, then.read_seconds), grown(now.write_seconds, then.write_seconds)
    reads, writes = grown(now.reads_completed, then.reads_completed), grown(now.writes_completed, then.writes_completed)
    if reading is None or writing is None or reads is None or writes is None:
        return None
    if (reading + writing) / elapsed < LEAST_QUEUE:
        return None
    busy = grown(now.busy_seconds, then.busy_seconds)
    took = [reading / reads] if reads else []
    if busy is not None and reads + writes:
        took.append(busy / (reads + writes))
    return max(took, default=None)


def mean_wait(seconds: float | None, completed: float | None) -> float | None:
    """Return the time that a request took on average, None if there was none or it is not counted."""
    return seconds / completed if seconds is not None and completed else None


def grown(now: float | None, then: float | None) -> float | None:
    """Return by how much a counter has grown, None if either value is unknown or after a reset."""
    return now - then if now is not None and then is not None and now >= then else None


def _waits(io: DiskCounters) -> bool:
    return io.in_progress is not None and io.in_progress > 0


def _completed(io: DiskCounters) -> float:
    return io.reads_completed + io.writes_completed + io.others_completed
