"""Snapshots of a machine that does not exist, for the renderers, which never touch one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.collectors import COLLECTORS
from exporter.collectors.battery import Battery
from exporter.collectors.cpu import Cpu
from exporter.collectors.disk import Disk, Disks
from exporter.collectors.filesystem import Filesystem, Filesystems
from exporter.collectors.memory import Memory
from exporter.collectors.network import Interface, Network
from exporter.collectors.processes import Process, Processes, Program
from exporter.collectors.system import System
from exporter.model import Reading, Snapshot
from exporter.settings import Settings
from exporter.sources.netdev import Counters

if TYPE_CHECKING:
    from exporter.thresholds import Thresholds

GIB = 1024**3
THRESHOLDS = Settings().thresholds()
TIME = 1769846700.25
"""2026-01-31T08:05:00.250Z"""

SYSTEM = System("zebra", "linux", "Debian 12", "6.1", "x86_64", TIME - 90061, 90061.0, 0.5, 0.25, 0.125)
PROGRAMS = (
    Program("python3 train.py", 1.9, 2 * GIB, 1),
    Program("postgres", 0.4, 5 * GIB, 12),
    Program("bash", 0.0, 10 * 1024**2, 3),
)
PROCESSES = (
    Process(4242, "python3 train.py", "ada", 1.9, 2 * GIB, 9, "running"),
    Process(77, "postgres", "postgres", 0.25, 3 * GIB, 1, "sleeping"),
)
COUNTERS = Counters(1000, 10, 1, 0, 2000, 20, 0, 0)


def cpu(usage: float | None) -> Cpu:
    return Cpu(usage, (usage or 0.0,) * 2, {"user": 1.0, "idle": 9.0}, 2, 2, (0, 1), {}, 0.0)


def memory(usage: float) -> Memory:
    used = round(8 * GIB * usage)
    return Memory(8 * GIB, 8 * GIB - used, None, used, usage, 2 * GIB, GIB, 0.5)


def filesystem(mountpoint: str, usage: float | None, error: str | None = None) -> Filesystem:
    if usage is None:
        return Filesystem("/dev/sdx", mountpoint, "nfs", readonly=False, error=error)
    used = round(100 * GIB * usage)
    figures = {"size_bytes": 100 * GIB, "used_bytes": used, "available_bytes": 100 * GIB - used, "usage_ratio": usage}
    return Filesystem("/dev/sda1", mountpoint, "ext4", readonly=False, **figures)  # type: ignore[arg-type]


def processes(programs: tuple[Program, ...] = PROGRAMS) -> Processes:
    return Processes(310, {"running": 2, "sleeping": 308}, programs, PROCESSES, {}, 0.0)


def network() -> Network:
    second = Counters(5, 0, 0, 0, 7, 0, 0, 0)
    return Network(
        (
            Interface("eth0", up=True, speed_bytes=125_000_000, counters=COUNTERS, receive_rate_bytes=1536.0),
            Interface("wlan0", up=None, speed_bytes=None, counters=second),
        ),
        0.0,
    )


def disks() -> Disks:
    busy = Disk("sda", 10, 20, 1, 1, 0.5, 0.25, 0.5, 1.0, 2048.0, None)
    busy = replace(busy, read_wait_seconds=0.0004, write_wait_seconds=1.2, queue_length=2.5)
    return Disks((busy, Disk("sdb", 1, 2, 1, 1, None, None, None, None)))


def snapshot(*sections: Any, failed: dict[str, str] | None = None, thresholds: Thresholds = THRESHOLDS) -> Snapshot:
    """Return a snapshot of these sections, in the collectors' order, and of failed collectors with their errors."""
    given = {type(section): section for section in sections}
    readings = [
        Reading(each.name, section, (), tuple(each.findings(section, thresholds)), None, 0.001, 0)
        for each in COLLECTORS
        if (section := given.get(each.section)) is not None
    ]
    readings += [Reading(name, None, (), (), error, 0.001, 1) for name, error in (failed or {}).items()]
    return Snapshot(TIME, 5000.0, tuple(readings))


def whole(
    cpu_usage: float = 0.42,
    memory_usage: float = 0.5,
    disk_usage: float = 0.3,
    thresholds: Thresholds = THRESHOLDS,
) -> Snapshot:
    return snapshot(
        SYSTEM,
        cpu(cpu_usage),
        memory(memory_usage),
        Filesystems((filesystem("/", disk_usage), filesystem("/data", 0.1))),
        disks(),
        network(),
        Battery(charge_ratio=0.73, plugged=False, remaining_seconds=5400.0),
        processes(),
        thresholds=thresholds,
    )
