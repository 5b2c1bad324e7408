"""Processes from psutil, for systems without /proc: macOS and Windows."""

from __future__ import annotations

import psutil

from exporter.sources.host import printable
from exporter.sources.process_names import display_name
from exporter.sources.processes import ProcessSample

ATTRIBUTES = ["name", "cpu_times", "memory_info", "num_threads", "status", "create_time"]
IDLE_PROCESS = "System Idle Process"  # Windows counts the idle time of all CPUs as this process's CPU time


class PsutilProcesses:
    """Scans with psutil.process_iter; what psutil may not read of another user's process counts as 0."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, float], str] = {}

    def scan(self) -> dict[int, ProcessSample]:
        """Return all visible processes by PID."""
        names, samples = {}, {}
        for process in psutil.process_iter(ATTRIBUTES):
            info = process.info
            if info["name"] == IDLE_PROCESS:
                continue
            key = (process.pid, info["create_time"] or 0.0)
            names[key] = self._names.get(key) or self._look_up(process, info["name"] or "")
            times, memory = info["cpu_times"], info["memory_info"]
            samples[process.pid] = ProcessSample(
                pid=process.pid,
                name=names[key],
                state=info["status"] or "unknown",
                cpu_seconds=times.user + times.system if times else 0.0,
                memory_bytes=memory.rss if memory else 0,
                threads=info["num_threads"] or 0,
                started=key[1],
            )
        self._names = names
        return samples

    def user(self, process: ProcessSample) -> str:
        """Return the name of the user it runs as, "" if unknown."""
        try:
            return printable(psutil.Process(process.pid).username())
        except (psutil.Error, OSError):
            return ""

    def _look_up(self, process: psutil.Process, name: str) -> str:
        def command() -> list[str]:
            try:
                return list(process.cmdline())
            except (psutil.Error, OSError):
                return []

        return display_name(name, command) or f"pid {process.pid}"
