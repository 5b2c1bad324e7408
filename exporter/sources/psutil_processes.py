"""Processes from psutil, for systems with neither /proc nor Windows' table: macOS."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import psutil

from exporter.sources.host import printable
from exporter.sources.process_names import display_name
from exporter.sources.processes import UNKNOWN, ProcessSample

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Name(NamedTuple):
    """What psutil calls a process, and the name to display for it."""

    said: str
    shown: str


class PsutilProcesses:
    """Scans with psutil. A call that fails for one process costs what it would have said of that process, no more."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, float], _Name] = {}

    def scan(self) -> dict[int, ProcessSample]:
        """Return all visible processes by PID. One that another user owns counts, but nothing else is known of it."""
        names, samples = {}, {}
        for pid in psutil.pids():
            try:
                key, name, samples[pid] = self._read(pid)
            except psutil.NoSuchProcess:
                continue
            except Exception:  # noqa: BLE001 - psutil lets through what the system says, and that may be anything
                samples[pid] = ProcessSample(pid, f"pid {pid}", UNKNOWN, nan, 0, None, 0.0)
            else:
                names[key] = name
        self._names = names
        return samples

    def user(self, process: ProcessSample) -> str:
        """Return the name of the user it runs as, "" if unknown."""
        return user_name(process.pid)

    def _read(self, pid: int) -> tuple[tuple[int, float], _Name, ProcessSample]:
        # Not process_iter: an error ends it, and what it remembers of a PID stays when another process gets that PID.
        process = psutil.Process(pid)
        with process.oneshot():
            started = ask(process.create_time) or 0.0
            said = ask(process.name) or ""
            name = self._names.get((pid, started))
            if name is None or name.said != said:  # a program that replaces itself (exec) stays the same process
                name = _Name(said, display_name(said, lambda: command_line(pid)) if said else f"pid {pid}")
            figures = ask(lambda: (process.cpu_times(), process.memory_info()))
            sample = ProcessSample(
                pid=pid,
                name=name.shown,
                state=ask(process.status) or UNKNOWN,
                cpu_seconds=figures[0].user + figures[0].system if figures else nan,
                memory_bytes=figures[1].rss if figures else 0,
                threads=ask(process.num_threads),
                started=started,
            )
        return (pid, started), name, sample


def ask(call: Callable[[], T]) -> T | None:
    """Return what psutil says of a process, None if it fails. Raises psutil.NoSuchProcess once the process is gone."""
    try:
        return call()
    except psutil.ZombieProcess:
        return None
    except psutil.NoSuchProcess:
        raise
    except Exception:  # noqa: BLE001 - see PsutilProcesses.scan
        return None


def command_line(pid: int) -> list[str]:
    """Return a process's command line, empty if it cannot be read."""
    try:
        return list(psutil.Process(pid).cmdline())
    except Exception:  # noqa: BLE001 - see PsutilProcesses.scan
        return []


def user_name(pid: int) -> str:
    """Return the name of the user that a process runs as, "" if it cannot be read."""
    try:
        return printable(psutil.Process(pid).username())
    except Exception:  # noqa: BLE001 - see PsutilProcesses.scan
        return ""
