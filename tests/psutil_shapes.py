"""The shapes of psutil's answers on Windows and macOS."""

# ruff: noqa: PYI024 - psutil returns such untyped namedtuples

from __future__ import annotations

from collections import namedtuple
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

Part = namedtuple("Part", "device mountpoint fstype opts")
Usage = namedtuple("Usage", "total used free percent")
Swap = namedtuple("Swap", "total used free percent sin sout")
DiskIo = namedtuple("DiskIo", "read_count write_count read_bytes write_bytes read_time write_time")
NetIo = namedtuple("NetIo", "bytes_sent bytes_recv packets_sent packets_recv errin errout dropin dropout")
NetStats = namedtuple("NetStats", "isup duplex speed mtu flags")
Battery = namedtuple("Battery", "percent secsleft power_plugged")
Temperature = namedtuple("Temperature", "label current high critical")
Times = namedtuple("Times", "user system children_user children_system")
WindowsCpu = namedtuple("WindowsCpu", "user system idle interrupt dpc")
WindowsMemory = namedtuple("WindowsMemory", "total available percent used free")
MacCpu = namedtuple("MacCpu", "user nice system idle")
MacMemory = namedtuple("MacMemory", "total available percent used free active inactive wired")


class Process:
    """A psutil.Process. Of another user's, which has no CPU time here, psutil says little more than the name."""

    def __init__(
        self,
        pid: int,
        name: str,
        cpu: float | None = None,
        rss: int = 0,
        *,
        command: list[str] | None,
        user: str | None,
    ) -> None:
        self.pid = pid
        self._answers: dict[str, Any] = {
            "name": name,
            "cpu_times": None if cpu is None else Times(cpu, 0.0, 0.0, 0.0),
            "memory_info": None if cpu is None else SimpleNamespace(rss=rss),
            "num_threads": None if cpu is None else 3,
            "status": psutil.STATUS_RUNNING,
            "create_time": 1000.0 + pid,
            "cmdline": command,
            "username": user,
        }

    def oneshot(self) -> AbstractContextManager[None]:
        return nullcontext()

    def __getattr__(self, name: str) -> Callable[[], Any]:
        return lambda: self._say(name)

    def _say(self, name: str) -> Any:
        answer = self._answers[name]
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            raise psutil.AccessDenied(self.pid)
        return answer

    def but(self, **answers: Any) -> Process:
        """Return this process with other answers; an exception is raised."""
        self._answers.update(answers)
        return self
