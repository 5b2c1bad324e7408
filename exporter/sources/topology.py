"""How many cores the processors have in hardware."""

from __future__ import annotations

from glob import glob
from typing import TYPE_CHECKING

import psutil

from exporter.sources.host import LINUX, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host


class PhysicalCores:
    """Counts once, and again when the number of logical CPUs changes: 64 small files are not for every scrape."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._logical = -1
        self._count: int | None = None

    def count(self, logical: int) -> int | None:
        """Return the number of cores without hyper-threads, or None where the system does not say."""
        if logical != self._logical:
            self._logical, self._count = logical, self._read()
        return self._count

    def _read(self) -> int | None:
        if not LINUX:
            return psutil.cpu_count(logical=False)
        # psutil reads the same files, but only this machine's own.
        base = f"{self._host.sys}/devices/system/cpu/cpu[0-9]*/topology"
        siblings = {read_text(path) for path in glob(f"{base}/core_cpus_list")}
        siblings = siblings or {read_text(path) for path in glob(f"{base}/thread_siblings_list")}
        return len(siblings - {None}) or None


def online_cpus(host: Host, count: int) -> tuple[int, ...]:
    """Return the numbers of the CPUs that are on (/sys/devices/system/cpu/online), or 0, 1, 2 where it is not said.

    With CPU 1 switched off, "0,2-3": the second in /proc/stat is CPU 2, and keeps its name.
    """
    numbers: list[int] = []
    for part in (read_text(f"{host.sys}/devices/system/cpu/online") or "").split(",") if LINUX else ():
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            numbers.extend(range(int(first), int(last or first) + 1))
    return tuple(numbers) if len(numbers) == count else tuple(range(count))
