"""A status page whose figures stand still, so that a browser can measure how it looks."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from exporter.collectors.battery import Battery
from exporter.collectors.cpu import Cpu
from exporter.collectors.disk import Disks
from exporter.collectors.filesystem import Filesystem, Filesystems
from exporter.collectors.flash import Flash
from exporter.collectors.hardware import Fan, Hardware, MemoryModule, Voltage
from exporter.collectors.integrity import BtrfsDevice, ErrorCount, Integrity
from exporter.collectors.limits import Limit, Limits
from exporter.collectors.network import Interface, Network
from exporter.collectors.pool import Pool, Pools
from exporter.collectors.pressure import Pressure, Pressures
from exporter.collectors.processes import Process, Processes, Program
from exporter.collectors.raid import Array, Member, Raid
from exporter.collectors.temperature import Temperature, Temperatures
from exporter.collectors.textfile import Textfiles
from exporter.sampling.history import LENGTH, History
from exporter.serving.server import open_server
from exporter.settings import Settings
from exporter.sources.flash import Chip
from exporter.sources.textfile_content import Backup, SmartDisk
from exporter.web import create_app, page
from tests.render.figures import COUNTERS, GIB, SYSTEM, disks, memory, snapshot
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.model import Snapshot

STEP = 2.5
"""Seconds between two points of the lines."""
REFRESH = 0.5
"""Seconds between two refreshes, so that a test need not wait for long."""
LONG = "a-name-without-any-space-in-it" * 2


def cpus(usage: float, cores: int) -> Cpu:
    """Return this many CPUs, the first half of them as busy as all together."""
    ratios = tuple(usage if core < cores / 2 else usage / 3 for core in range(cores))
    return Cpu(usage, ratios, {"user": 1.0, "idle": 9.0}, cores, max(1, cores / 2), tuple(range(cores)), {}, 0.0)


def mounted(mountpoint: str, usage: float, device: str = "/dev/nvme0n1p2", kind: str = "ext4") -> Filesystem:
    """Return a filesystem of 500 GiB."""
    size = 500 * GIB
    used = size * usage
    return Filesystem(device, mountpoint, kind, False, None, size, used, size - used, usage, 0.04)


def programs(names: Sequence[str]) -> Processes:
    """Return six processes of the first name and one of each other, the largest first."""
    rows = [(names[0], 100 + number, 0.5) for number in range(6)]
    rows += [(name, 1000 + number, 0.2) for number, name in enumerate(names[1:])]
    return Processes(
        310,
        {"running": 2, "sleeping": 308, "zombie": 0},
        tuple(Program(name, 3.0 if not n else 0.2, GIB * (9 - n), 1 if n else 6) for n, name in enumerate(names)),
        tuple(Process(pid, name, "ada", cores, GIB, 9, "sleeping") for name, pid, cores in rows),
        {},
        0.0,
    )


def usual(usage: float = 0.42, filesystems: Sequence[Filesystem] = (), cores: int = 8) -> Snapshot:
    """Return a machine with everything that a page can show."""
    kept = tuple(filesystems) or (mounted("/", 0.61), mounted("/srv/photos", 0.47, "/dev/sda1"))
    counters = replace(COUNTERS, receive_errors=0, transmit_errors=0)
    return snapshot(
        replace(SYSTEM, load1=5.8, load5=2.87, load15=1.65),
        cpus(usage, cores),
        memory(0.41),
        Filesystems(kept),
        disks(),
        Network(
            (
                Interface("enp4s0", True, 312_500_000, counters, 4.9e6, 6.4e5),
                Interface("wg0", None, None, counters, 43e3, 190e3),
            ),
            0.0,
        ),
        Battery(0.73, False, 5400.0),
        Pressures((Pressure("cpu", 1.0, 0.0, 0.123, 0.0), Pressure("io", 1.0, 0.0, 0.0, 0.0))),
        Temperatures((Temperature("coretemp", "Package id 0", 61.0), Temperature("nvme", "Composite", 41.9))),
        programs(("chromium", "python3 train.py", "postgres", "bash")),
    )


def crowd() -> Snapshot:
    """Return a machine that has too much of everything, with the longest names."""
    shown = usual(
        0.97, [mounted(f"/srv/{LONG}/{n}", 0.3 + n / 50, f"/dev/mapper/{LONG}") for n in range(30)], cores=128
    )
    longer: dict[str, Any] = {
        "system": replace(SYSTEM, hostname="h" * 63, os=f"Some GNU/Linux {LONG}"),
        "temperature": Temperatures(tuple(Temperature(f"chip-{LONG}", f"Core {n}", 40.0 + n) for n in range(40))),
        "processes": programs((f"{LONG}.py", *(f"program-{n}" for n in range(9)))),
        "network": Network(
            tuple(Interface(f"enp129s0f{n}np{n}", True, 1_250_000_000, COUNTERS, 1e9, 1e9) for n in range(9)), 0.0
        ),
    }
    return replace(
        shown,
        readings=tuple(replace(each, section=longer.get(each.collector, each.section)) for each in shown.readings),
    )


def long_names() -> Snapshot:
    """Return a machine that has every table, with a long name wherever a name can be."""
    fault = dict.fromkeys(("write_errs", "corruption_errs"), 12345.0)
    module = MemoryModule(LONG, 123_456.0, 12.0)
    return snapshot(
        SYSTEM,
        cpus(0.5, 4),
        memory(0.41),
        Filesystems(tuple(mounted(f"/srv/{n}{LONG}", 0.97, f"/dev/mapper/{LONG}", LONG) for n in range(2))),
        Disks(tuple(replace(each, device=f"dm-{LONG}-{each.device}") for each in disks().disks)),
        Flash((Chip(f"mmcblk{LONG}", 0.9, 0.1, end_of_life=True),)),
        Integrity(
            (ErrorCount(f"mapper/{LONG}", f"/srv/{LONG}", 123_456.0, 1e9, recent=True),),
            (BtrfsDevice(LONG, f"/srv/{LONG}", LONG, missing=True, errors=fault),),
        ),
        Raid((Array(LONG, "raid10", "clean", (Member(LONG, "faulty"),) * 3, 1, 1.0, "recover", 0.999),)),
        Pools((Pool(LONG, "zfs", "SUSPENDED"),)),
        Network((Interface(LONG, True, 1_250_000_000, COUNTERS, 1e9, 1e9),), 0.0),
        Textfiles(
            (),
            (SmartDisk(LONG, LONG, LONG, False, 1.0, 0.1, 123_456.0, 9.0),),
            (Backup(LONG, 1e9, 7e7, 86_400.0),),
        ),
        Temperatures(tuple(Temperature(f"chip-{LONG}", f"{LONG} {n}", 101.9, 85.0, 105.0) for n in range(2))),
        Hardware(
            (Fan(LONG, LONG, 12_345.0, alarm=True),),
            (Voltage(LONG, LONG, 11.42, alarm=True),),
            modules=(module,),
            corrected_errors=123_456.0,
        ),
        Limits((Limit("conntrack", 2_295_000, 2_621_440),), 0, 0, 0),
        Pressures((Pressure("irq", None, 0.0, None, 1.0),)),
        programs((LONG, f"{LONG}-2")),
    )


def past(count: int = 60) -> History:
    """Return a history whose CPU usage rises by one hundredth of the way at each point, from 10 %."""
    history = History()
    points = history.points()
    for number in range(min(count, LENGTH)):
        ratio = 0.1 + number / 100
        points = (*points, _point(5000.0 - STEP * (count - 1 - number), ratio))
    history._points = points
    return history


def _point(at: float, ratio: float) -> Any:
    from exporter.sampling.history import Point

    return Point(at, ratio, 0.41, 0.61)


class Still:
    """A sampler that always answers with the same snapshot, as of now."""

    def __init__(self, shown: Snapshot) -> None:
        self.shown = shown

    def sample(self, *, limit: float = 0.0) -> Snapshot:
        """Return it at once."""
        del limit
        return replace(self.shown, time=time.time())

    def lately(self, _seconds: float) -> Snapshot:
        """Return it."""
        return self.shown


@contextmanager
def served(
    shown: Snapshot, history: History | None = None, watch: Any = None, **settings: Any
) -> Iterator[SimpleNamespace]:
    """Serve the page of a snapshot; yields its ``url``, its ``sampler`` and its ``history``."""
    sampler, kept = Still(shown), history or past()
    app = create_app(sampler, Settings(**settings), kept, watch)  # type: ignore[arg-type]
    server = open_server(app, "127.0.0.1", free_port())
    thread = threading.Thread(target=server.serve)
    usual, page.REFRESH = page.REFRESH, REFRESH
    thread.start()
    try:
        yield SimpleNamespace(url=server.url, sampler=sampler, history=kept)
    finally:
        while not server.ready:
            time.sleep(0.01)
        server.end()
        thread.join()
        page.REFRESH = usual
