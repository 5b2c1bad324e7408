"""What terminal and desktop window both show, line by line: the shares with their limits, and the traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.collectors.battery import Battery
from exporter.collectors.cpu import Cpu
from exporter.collectors.disk import Disks
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory
from exporter.collectors.network import Network
from exporter.collectors.system import System
from exporter.render.units import UNKNOWN, number, size, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.model import Snapshot
    from exporter.thresholds import Threshold, Thresholds


@dataclass(frozen=True, slots=True)
class Share:
    """One share (0-1) for a bar; ``threshold`` is None for what has no limits."""

    name: str
    ratio: float
    threshold: Threshold | None
    detail: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes into and out of an interface or a disk, bytes a second; None where it is not known yet."""

    name: str
    state: str
    inward: float | None
    outward: float | None


def shares(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Share]:
    """Return CPU, memory, swap, filesystems and battery, as far as they are there and can be read."""
    system = snapshot.section(System)
    if (cpu := snapshot.section(Cpu)) and cpu.usage_ratio is not None:
        load = f", load {number(system.load1)} {number(system.load5)}" if system and system.load1 is not None else ""
        yield Share("CPU", cpu.usage_ratio, thresholds.cpu, f"{cpu.logical_cpus} CPUs{load}")
    if (memory := snapshot.section(Memory)) and memory.usage_ratio is not None:
        yield Share("Memory", memory.usage_ratio, thresholds.memory, _of(memory.used_bytes, memory.total_bytes))
        if memory.swap_usage_ratio is not None:
            yield Share("Swap", memory.swap_usage_ratio, None, _of(memory.swap_used_bytes, memory.swap_total_bytes))
    for filesystem in filesystems.filesystems if (filesystems := snapshot.section(Filesystems)) else ():
        if filesystem.usage_ratio is not None:
            free = f"{size(filesystem.available_bytes)} available, {filesystem.fstype}"
            yield Share(filesystem.mountpoint, filesystem.usage_ratio, thresholds.filesystem, free)
    if battery := snapshot.section(Battery):
        power = "power not known" if battery.plugged is None else "on mains power" if battery.plugged else "on battery"
        lasts = f", lasts {span(battery.remaining_seconds)}" if battery.remaining_seconds is not None else ""
        yield Share("Battery", battery.charge_ratio, None, power + lasts)


def interfaces(snapshot: Snapshot) -> list[Traffic]:
    """Return the network interfaces, received and transmitted; "up", "down" or unknown is their state."""
    network = snapshot.section(Network)
    return [
        Traffic(each.interface, _link(each.up), each.receive_rate_bytes, each.transmit_rate_bytes)
        for each in (network.interfaces if network else ())
    ]


def disks(snapshot: Snapshot) -> list[Traffic]:
    """Return the disks, read and written."""
    section = snapshot.section(Disks)
    return [
        Traffic(each.device, "disk", each.read_rate_bytes, each.write_rate_bytes)
        for each in (section.disks if section else ())
    ]


def _of(used: int, total: int) -> str:
    return f"{size(used)} of {size(total)}"


def _link(up: bool | None) -> str:
    return UNKNOWN if up is None else "up" if up else "down"
