"""The usage bars of the terminal and the window, by subject in the order of the collectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.collectors.battery import Battery
from exporter.collectors.cpu import Cpu
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory
from exporter.collectors.paging import Paging
from exporter.collectors.system import System
from exporter.render.units import number, rate, size, span, whole
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.model import Snapshot
    from exporter.thresholds import Threshold, Thresholds

    Levels = Mapping[tuple[str, str], Level]


@dataclass(frozen=True, slots=True)
class Share:
    """One ratio (0-1) to draw as a bar, None if unknown; ``limits`` are those that the owner sets for it, if any."""

    name: str
    ratio: float | None
    detail: str
    limits: tuple[float, ...] = ()
    level: Level = Level.OK


def shares(snapshot: Snapshot, thresholds: Thresholds) -> Iterator[Share]:
    """Yield CPU, memory, swap, filesystems and battery, leaving out what is absent or could not be read."""
    levels = snapshot.levels()
    for reading in snapshot.readings:
        if show := _SUBJECTS.get(type(reading.section)):
            yield from show(snapshot, reading.section, thresholds, levels)


def _cpu(snapshot: Snapshot, cpu: Cpu, thresholds: Thresholds, levels: Levels) -> Iterator[Share]:
    system = snapshot.section(System)
    load = _load(system) if system and system.load1 is not None else ""
    # Unknown for a sample now and then, after a jump of the counters: the line stays in its place.
    level = levels.get(("HostHighCpu", ""), Level.OK)
    yield Share("CPU", cpu.usage_ratio, f"{whole(cpu.logical_cpus)} CPUs{load}", _marks(thresholds.cpu), level)


def _memory(snapshot: Snapshot, memory: Memory, thresholds: Thresholds, levels: Levels) -> Iterator[Share]:
    detail = _of(memory.used_bytes, memory.total_bytes)
    level = levels.get(("HostHighMemory", ""), Level.OK)
    yield Share("Memory", memory.usage_ratio, detail, _marks(thresholds.memory), level)
    if memory.swap_usage_ratio is not None:
        paging = snapshot.section(Paging)
        traffic = _traffic(paging) if paging else ""
        yield Share("Swap", memory.swap_usage_ratio, f"{_of(memory.swap_used_bytes, memory.swap_total_bytes)}{traffic}")


def _traffic(paging: Paging) -> str:
    """Return what is being swapped, nothing if nothing is: ", 1.2 MiB/s in, 0.5 MiB/s out"."""
    both = paging.swap_in_rate_bytes, paging.swap_out_rate_bytes
    return f", {rate(both[0])} in, {rate(both[1])} out" if any(both) else ""


def _filesystems(_snapshot: Snapshot, section: Filesystems, thresholds: Thresholds, levels: Levels) -> Iterator[Share]:
    for each in section.filesystems:
        if each.usage_ratio is not None:
            free = f"{size(each.available_bytes)} available, {each.fstype}{', read-only' if each.readonly else ''}"
            marks = () if each.readonly else _marks(thresholds.filesystem)
            level = levels.get(("HostFilesystemFull", each.mountpoint), Level.OK)
            yield Share(each.mountpoint, each.usage_ratio, free, marks, level)


def _battery(_snapshot: Snapshot, battery: Battery, _thresholds: Thresholds, levels: Levels) -> Iterator[Share]:
    power = "power unknown" if battery.plugged is None else "on mains power" if battery.plugged else "on battery"
    left = f", {span(battery.remaining_seconds)} left" if battery.remaining_seconds is not None else ""
    if battery.charge_ratio is None:
        return
    yield Share("Battery", battery.charge_ratio, power + left, level=levels.get(("HostBatteryLow", ""), Level.OK))


def _marks(threshold: Threshold) -> tuple[float, ...]:
    return tuple(threshold.limits().values())


def _load(system: System) -> str:
    return f", load {number(system.load1)} {number(system.load5)} {number(system.load15)} (1, 5, 15 min)"


def _of(used: float | None, total: float | None) -> str:
    return f"{size(used)} of {size(total)}"


_SUBJECTS: dict[type[Any], Callable[[Snapshot, Any, Thresholds, Levels], Iterator[Share]]] = {
    Cpu: _cpu,
    Memory: _memory,
    Filesystems: _filesystems,
    Battery: _battery,
}
