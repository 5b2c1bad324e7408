"""The number of physical cores."""

from __future__ import annotations

from glob import escape, glob
from typing import TYPE_CHECKING

import psutil

from exporter.sources.host import LINUX, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host


class PhysicalCores:
    """Counts once, and again only if the number of logical CPUs changes: it takes 64 small files."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._logical = -1
        self._count: int | None = None

    def count(self, logical: int) -> int | None:
        """Return the number of cores, not counting hyper-threads, or None if the system does not say."""
        if logical != self._logical:
            self._logical, self._count = logical, self._read(logical)
        return self._count

    def _read(self, logical: int) -> int | None:
        if not LINUX:
            return psutil.cpu_count(logical=False)
        # psutil reads the same files, but only those of the machine it runs on.
        base = f"{escape(self._host.sys)}/devices/system/cpu/cpu[0-9]*/topology"
        paths = glob(f"{base}/core_cpus_list") or glob(f"{base}/thread_siblings_list")
        siblings = [text for path in paths if (text := read_text(path))]
        # A container (LXC) may use a few CPUs of the many that /sys shows, and which ones it does not say.
        return len(set(siblings)) if len(siblings) == logical else None
