"""The number of physical cores, and the numbers of the CPUs that are online."""

from __future__ import annotations

import re
from glob import escape, glob
from typing import TYPE_CHECKING

import psutil

from exporter.sources.host import LINUX, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host


_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


class PhysicalCores:
    """Counts once, and again only if the number of logical CPUs changes: it takes 64 small files."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._logical = -1
        self._count: int | None = None

    def count(self, logical: int) -> int | None:
        """Return the number of cores, not counting hyper-threads, or None if the system does not say."""
        if logical != self._logical:
            self._logical, self._count = logical, self._read()
        return self._count

    def _read(self) -> int | None:
        if not LINUX:
            return psutil.cpu_count(logical=False)
        # psutil reads the same files, but only those of the machine it runs on.
        base = f"{escape(self._host.sys)}/devices/system/cpu/cpu[0-9]*/topology"
        siblings = {read_text(path) for path in glob(f"{base}/core_cpus_list")}
        siblings = siblings or {read_text(path) for path in glob(f"{base}/thread_siblings_list")}
        return len(siblings - {None}) or None


def online_cpus(host: Host, count: int) -> tuple[int, ...]:
    """Return the numbers of the online CPUs (/sys/devices/system/cpu/online), or 0, 1, 2 and so on if not available.

    With CPU 1 offline it says "0,2-3": the second CPU in /proc/stat is then CPU 2 and keeps that name.
    """
    text = read_text(f"{host.sys}/devices/system/cpu/online") if LINUX else None
    return _numbers(text or "", count) or tuple(range(count))


def _numbers(text: str, count: int) -> tuple[int, ...]:
    """Parse a list such as "0,2-3"; return nothing unless it holds exactly ``count`` numbers in ascending order."""
    numbers: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            return ()
        first, last = int(match[1]), int(match[2] or match[1])
        # Check the count before expanding the range: "0-4294967295" would fill the memory.
        if first <= (numbers[-1] if numbers else -1) or len(numbers) + last - first + 1 > count:
            return ()
        numbers.extend(range(first, last + 1))
    return tuple(numbers) if len(numbers) == count else ()
