"""A snapshot as one flat row for CSV and JSON Lines; the columns are fixed and documented in docs/formats.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.collectors.battery import Battery
from exporter.collectors.cpu import Cpu
from exporter.collectors.disk import Disks
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory
from exporter.collectors.network import Network
from exporter.collectors.processes import Processes
from exporter.collectors.system import System
from exporter.render.json import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.model import Snapshot

Value = str | float | int | bool | None

COLUMNS = {
    "time": "when the sample was taken, UTC, ISO 8601",
    "hostname": "name of the machine",
    "level": "ok, warning or critical: the worst of all findings",
    "uptime_seconds": "time since the machine booted",
    "cpu_usage_ratio": "busy share of all CPUs since the previous sample taken for any client, 0-1",
    "load1": "load average over the last minute",
    "memory_total_bytes": "memory usable by the system",
    "memory_used_bytes": "total minus available memory",
    "memory_usage_ratio": "used/total, 0-1",
    "swap_used_bytes": "swap in use",
    "filesystem_mountpoint": "mountpoint of the fullest writable filesystem",
    "filesystem_usage_ratio": "its usage, 0-1, as in df",
    "filesystem_available_bytes": "space available on it",
    "disk_read_bytes_total": "sum over all disks since boot; what LVM, RAID, encryption and ZFS volumes move is not "
    "counted twice",
    "disk_written_bytes_total": "sum over all disks since boot; what LVM, RAID, encryption and ZFS volumes move is not "
    "counted twice",
    "network_receive_bytes_total": "sum over the interfaces shown, since each was created; what passes through bonds, "
    "VLANs, bridges and tunnels is not counted twice",
    "network_transmit_bytes_total": "sum over the interfaces shown, since each was created; what passes through bonds, "
    "VLANs, bridges and tunnels is not counted twice",
    "battery_charge_ratio": "charge of all batteries combined, 0-1",
    "battery_plugged": "whether the machine is on mains power",
    "processes": "number of processes",
    "top_cpu_name": "the program that uses the most CPU",
    "top_cpu_cores": "CPU it uses, 1 = one core busy",
    "top_memory_name": "the program that uses the most memory",
    "top_memory_bytes": "resident memory of all its processes, shared pages counted once",
}
"""Every column and its meaning. The exporter never appends to a file with different columns."""


def row(snapshot: Snapshot) -> dict[str, Value]:
    """Return the value of every column, None if unknown."""
    values: dict[str, Value] = dict.fromkeys(COLUMNS)
    values["time"] = iso_time(snapshot.time)
    values["level"] = str(snapshot.level())
    if system := snapshot.section(System):
        values |= {"hostname": system.hostname, "uptime_seconds": system.uptime_seconds, "load1": system.load1}
    if cpu := snapshot.section(Cpu):
        values["cpu_usage_ratio"] = _ratio(cpu.usage_ratio)
    if memory := snapshot.section(Memory):
        values |= {
            "memory_total_bytes": memory.total_bytes,
            "memory_used_bytes": memory.used_bytes,
            "memory_usage_ratio": _ratio(memory.usage_ratio),
            "swap_used_bytes": memory.swap_used_bytes,
        }
    if (filesystems := snapshot.section(Filesystems)) and (fullest := filesystems.fullest()):
        values |= {
            "filesystem_mountpoint": fullest.mountpoint,
            "filesystem_usage_ratio": _ratio(fullest.usage_ratio),
            "filesystem_available_bytes": fullest.available_bytes,
        }
    if battery := snapshot.section(Battery):
        values |= {"battery_charge_ratio": _ratio(battery.charge_ratio), "battery_plugged": battery.plugged}
    return values | _traffic(snapshot) | _programs(snapshot)


def _traffic(snapshot: Snapshot) -> dict[str, Value]:
    values: dict[str, Value] = {}
    if disks := snapshot.section(Disks):
        values["disk_read_bytes_total"] = _sum(disk.read_bytes for disk in disks.counted_once())
        values["disk_written_bytes_total"] = _sum(disk.written_bytes for disk in disks.counted_once())
    if network := snapshot.section(Network):
        counters = [interface.counters for interface in network.counted_once()]
        values["network_receive_bytes_total"] = _sum(counter.receive_bytes for counter in counters)
        values["network_transmit_bytes_total"] = _sum(counter.transmit_bytes for counter in counters)
    return values


def _programs(snapshot: Snapshot) -> dict[str, Value]:
    processes = snapshot.section(Processes)
    if processes is None:
        return {}
    values: dict[str, Value] = {"processes": processes.total}
    if processes.programs:
        busiest = max(processes.programs, key=lambda program: program.cpu_cores or 0)
        largest = max(processes.programs, key=lambda program: program.memory_bytes)
        if busiest.cpu_cores is not None:
            values |= {"top_cpu_name": busiest.name, "top_cpu_cores": round(busiest.cpu_cores, 4)}
        values |= {"top_memory_name": largest.name, "top_memory_bytes": largest.memory_bytes}
    return values


def _sum(values: Iterable[float | None]) -> float | None:
    """Return a sum, None if a part of it is unknown: without that part the counter would seem to fall."""
    total: float = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _ratio(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
