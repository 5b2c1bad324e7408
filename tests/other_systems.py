"""Windows and macOS as psutil reports them, without the calls that it lacks there."""

from __future__ import annotations

import os
import platform
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from exporter import machine
from exporter.collectors import battery, cpu, disk, network, processes
from exporter.machine import open_machine
from exporter.render.exposition import encode, snapshot_families
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources.windows_processes import WindowsProcesses
from tests.psutil_shapes import (
    Battery,
    DiskIo,
    MacCpu,
    MacMemory,
    NetIo,
    NetStats,
    Part,
    Process,
    Swap,
    Usage,
    WindowsCpu,
    WindowsMemory,
)
from tests.support import Samples
from tests.windows_table import ADDRESS, Row, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from exporter.model import Snapshot

S = TypeVar("S")
GIB = 2**30


class OtherSystem:
    """A machine with another operating system. ``elapsed`` seconds have passed since its first sample."""

    cores = 2
    system = ""
    """The constant that is true there, of those in exporter.sources.host."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.elapsed = 0.0
        for name, module in list(sys.modules.items()):
            for system in ("LINUX", "WINDOWS"):
                if name.startswith("exporter.") and hasattr(module, system):
                    patch.setattr(module, system, system == self.system)
        for function in (
            *("cpu_times", "virtual_memory", "swap_memory", "disk_partitions", "disk_usage", "disk_io_counters"),
            *("net_io_counters", "net_if_stats", "sensors_battery"),
        ):
            patch.setattr(psutil, function, getattr(self, function))
        patch.setattr(psutil, "cpu_count", lambda **_: 2)
        patch.setattr(psutil, "boot_time", lambda: time.time() - 3600)
        patch.setattr(psutil, "pids", lambda: [each.pid for each in self.processes()])
        patch.setattr(psutil, "Process", lambda pid: next(each for each in self.processes() if each.pid == pid))
        # Only Linux and FreeBSD have this function.
        patch.delattr(psutil, "sensors_temperatures", raising=False)
        for module in (battery, cpu, disk, network, processes):
            patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.elapsed))
        self.sampler: Sampler | None = None

    def sample(self) -> Snapshot:
        """Return a sample taken 10 s later, with rates."""
        if self.sampler is None:
            self.sampler = Sampler(open_machine(Settings()), clock=lambda: self.elapsed)
            self.sampler.prime()
        self.elapsed += 10.0
        snapshot = self.sampler.sample(max_age=0)
        assert not snapshot.failures(), [reading.error for reading in snapshot.failures()]
        return snapshot

    def read(self, section: type[S]) -> S:
        found = self.sample().section(section)
        assert found is not None
        return found

    def exposition(self) -> Samples:
        families = snapshot_families(self.sample(), Settings().thresholds())
        return Samples.parse(encode(families, "")[0].decode())

    def cpu_times(self, *, percpu: bool = False) -> Any:
        one = self.core()
        return [one] * self.cores if percpu else type(one)(*(self.cores * seconds for seconds in one))

    def core(self) -> Any:
        raise NotImplementedError

    def swap_memory(self) -> Swap:
        return Swap(2 * GIB, GIB // 2, GIB + GIB // 2, 25.0, 0, 0)

    def disk_usage(self, path: str) -> Usage:
        raise NotImplementedError(path)

    def disk_io_counters(self, **_: bool) -> dict[str, DiskIo]:
        return {"PhysicalDrive0": DiskIo(100, 200, int(1e6 + 1e5 * self.elapsed), 2_000_000, 5, 6)}

    def sensors_battery(self) -> Battery | None:
        return None

    def processes(self) -> Iterable[Process]:
        raise NotImplementedError


class Windows(OtherSystem):
    """A desktop without a battery; no load average, no iowait; an empty and a full optical drive."""

    system = "WINDOWS"

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__(patch)
        patch.delattr(os, "getloadavg", raising=False)
        names = {"system": "Windows", "release": "11", "machine": "AMD64", "node": "DESKTOP-7"}
        for function, answer in names.items():
            patch.setattr(platform, function, lambda answer=answer: answer)
        patch.setattr(platform, "mac_ver", lambda: ("", ("", "", ""), ""))
        patch.setattr(machine, "WindowsProcesses", lambda: WindowsProcesses(lambda: (self.table(), ADDRESS)))

    def core(self) -> WindowsCpu:
        t = self.elapsed
        return WindowsCpu(100 + 0.25 * t, 50 + 0.10 * t, 800 + 0.65 * t, 5 + 0.02 * t, 2 + 0.01 * t)

    def virtual_memory(self) -> WindowsMemory:
        return WindowsMemory(16 * GIB, 4 * GIB, 75.0, 12 * GIB, 4 * GIB)

    def disk_partitions(self, **_: bool) -> list[Part]:
        return [
            Part("C:\\", "C:\\", "NTFS", "rw,fixed"),
            Part("D:\\", "D:\\", "", "cdrom"),
            Part("E:\\", "E:\\", "UDF", "ro,cdrom"),
            Part("F:\\", "F:\\", "NTFS", "rw,removable"),
        ]

    def disk_usage(self, path: str) -> Usage:
        if path != "C:\\":
            raise PermissionError(13, "The device is not ready", path)
        return Usage(100 * GIB, 80 * GIB, 20 * GIB, 80.0)

    def net_io_counters(self, **_: bool) -> dict[str, NetIo]:
        moved = NetIo(100, int(5000 + 1000 * self.elapsed), 1, 50, 2, 3, 4, 5)
        return {"Ethernet": moved, "Wi-Fi": NetIo(*[0] * 8), "Loopback Pseudo-Interface 1": moved}

    def net_if_stats(self) -> dict[str, NetStats]:
        return {"Ethernet": NetStats(True, 2, 1000, 1500, ""), "Wi-Fi": NetStats(False, 2, 0, 1500, "")}

    def table(self) -> memoryview:
        t = self.elapsed
        rows = [
            Row(0, "", 9000 + 2 * t, 8192, threads=2),
            Row(4, "System", 60 + 0.1 * t, 4096, threads=210),
            Row(20, "python.exe", 5 + 0.5 * t, GIB),
            Row(24, "explorer.exe", 7.0, GIB // 4),
        ]
        return memoryview(table(rows))

    def processes(self) -> Iterable[Process]:
        command = ["C:\\Python\\python.exe", "C:\\jobs\\train.py", "--password=hunter2"]
        return [
            Process(4, "System", command=None, user=None),
            Process(20, "python.exe", command=command, user="DESKTOP-7\\ann"),
            Process(24, "explorer.exe", command=["C:\\Windows\\explorer.exe"], user="DESKTOP-7\\ann"),
        ]


class MacOs(OtherSystem):
    """A laptop on its charger; APFS volumes of the system and of the user."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, object] = {}
        """What psutil says of the Python process instead."""
        super().__init__(patch)
        patch.setattr(os, "getloadavg", lambda: (1.5, 1.25, 1.0), raising=False)
        names = {"system": "Darwin", "release": "24.6.0", "machine": "arm64", "node": "mac.local"}
        for function, answer in names.items():
            patch.setattr(platform, function, lambda answer=answer: answer)
        patch.setattr(platform, "mac_ver", lambda: ("15.6", ("", "", ""), "arm64"))

    def core(self) -> MacCpu:
        t = self.elapsed
        return MacCpu(100 + 0.5 * t, 0.0, 50 + 0.25 * t, 800 + 0.25 * t)

    def virtual_memory(self) -> MacMemory:
        return MacMemory(16 * GIB, 8 * GIB, 50.0, 7 * GIB, GIB, 3 * GIB, 3 * GIB, 2 * GIB)

    def disk_partitions(self, **_: bool) -> list[Part]:
        system = ("Preboot", "VM", "Update/SFR/mnt1", "xarts")
        return [
            Part("/dev/disk3s1s1", "/", "apfs", "ro,local,rootfs,dovolfs,journaled,multilabel"),
            Part("/dev/disk3s5", "/System/Volumes/Data", "apfs", "rw,local,dovolfs,dontbrowse"),
            *(Part(f"/dev/{name}", f"/System/Volumes/{name}", "apfs", "rw,local,dontbrowse") for name in system),
        ]

    def disk_usage(self, _path: str) -> Usage:
        return Usage(500 * GIB, 200 * GIB, 300 * GIB, 40.0)

    def net_io_counters(self, **_: bool) -> dict[str, NetIo]:
        return {name: NetIo(10, 20, 1, 2, 0, 0, 0, 0) for name in ("en0", "lo0", "awdl0", "utun0", "llw0")}

    def net_if_stats(self) -> dict[str, NetStats]:
        return {"en0": NetStats(True, 2, 0, 1500, ""), "utun0": NetStats(True, 0, 0, 1380, "")}

    def sensors_battery(self) -> Battery:
        return Battery(80, psutil.POWER_TIME_UNLIMITED, power_plugged=True)

    def processes(self) -> Iterable[Process]:
        command = ["/opt/Python", "/Users/ann/train.py", "x"]
        return [
            Process(0, "kernel_task", command=None, user=None),
            Process(30, "Python", 5 + 0.5 * self.elapsed, GIB, command=command, user="ann").but(**self.answers),
        ]
