"""The shapes of psutil's answers on Windows and macOS."""

# ruff: noqa: PYI024 - psutil returns such untyped namedtuples

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace

import psutil

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


class Process(SimpleNamespace):
    """A result of psutil.process_iter; what may not be read of another user's process is None."""

    def cmdline(self) -> list[str]:
        if self.command is None:
            raise psutil.AccessDenied(self.pid)
        return list(self.command)

    def username(self) -> str:
        if self.user is None:
            raise psutil.AccessDenied(self.pid)
        return str(self.user)


def process(
    pid: int, name: str, cpu: float | None, rss: int, *, command: list[str] | None, user: str | None
) -> Process:
    info = {
        "name": name,
        "cpu_times": None if cpu is None else Times(cpu, 0.0, 0.0, 0.0),
        "memory_info": None if cpu is None else SimpleNamespace(rss=rss),
        "num_threads": None if cpu is None else 3,
        "status": psutil.STATUS_RUNNING,
        "create_time": 1000.0 + pid,
    }
    return Process(pid=pid, info=info, command=command, user=user)
