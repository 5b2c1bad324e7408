"""How each figure of a machine is computed, by metric. Metrics not listed here keep the fixture's value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

from tests.fleet.waves import DAY, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fleet.machine import Moment

    Figure: TypeAlias = Callable[[Moment], Any]
    Values: TypeAlias = Mapping[tuple[str, str], float]

LABEL = re.compile(r'(\w+)="([^"]*)"')
MODES = {"user": 0.75, "system": 0.22, "softirq": 0.03}
FULL = 0.96
"""Usage at which a filesystem that fills up is emptied."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the fixture machine and its value."""

    name: str
    labels: str
    value: float

    @property
    def key(self) -> int:
        """Return a number derived from the labels: series of the same object share it."""
        return crc32(self.labels.encode())

    def label(self, name: str) -> str:
        """Return the value of a label."""
        found: dict[str, str] = dict(LABEL.findall(self.labels))
        return found[name]


def cpu_seconds(series: Series) -> Figure | None:
    mode = series.label("mode")
    if mode in MODES:
        share = MODES[mode]
        return lambda m: round(m.busy * m.cpus * share, 2)
    waits = {"idle": 0.98, "iowait": 0.02}.get(mode)
    if waits is None:
        return None
    return lambda m: round((m.up - m.busy) * m.cpus * waits, 2)


def core_usage(series: Series) -> Figure:
    key = series.key

    def figure(m: Moment) -> float:
        share = min(1.0, m.load * (1 + 0.6 * noise(m.machine.number, key, int(m.now))))
        # As in the kernel, in ticks of 10 ms, whose number per interval varies.
        ticks = 1500 + int(2.9 * noise(key, int(m.now)))
        return int(share * ticks) / ticks

    return figure


def usage(_: Series) -> Figure:
    def figure(m: Moment) -> float:
        ticks = m.cpus * 1500 + int(2.9 * noise(m.machine.number, int(m.now)))
        return int(m.load * ticks) / ticks

    return figure


def average(calm: float) -> Callable[[Series], Figure]:
    def maker(_: Series) -> Figure:
        return lambda m: round(m.load * m.cpus * (1 + calm * noise(m.machine.number, int(m.now // 15))), 2)

    return maker


def grows(rate: float, unit: float = 1, digits: int = 0) -> Callable[[Series], Figure | None]:
    """Return a function for counters that grow with the load, by at most ``rate`` per second, in whole units.

    A counter that is constant on the fixture machine stays constant.
    """

    def maker(series: Series) -> Figure | None:
        own = rate * (0.5 + series.key % 100 / 100)
        if not series.value:
            return None
        if digits:
            return lambda m: round(own * m.busy, digits)
        return lambda m: int(own * m.machine.size * m.traffic / unit) * unit

    return maker


def used(series: Series, values: Values) -> Callable[[Moment], int]:
    """Return the bytes used on the filesystem with these labels."""
    size = values["host_filesystem_size_bytes", series.labels]
    there = values["host_filesystem_used_bytes", series.labels]
    net = there + values["host_filesystem_available_bytes", series.labels]
    if values["host_filesystem_readonly", series.labels] or size < 1e9:
        return lambda _: int(there)
    first, key = 'mountpoint="/"' in series.labels, series.key

    def figure(m: Moment) -> int:
        machine = m.machine
        share = machine.room if first else 0.3 + 0.25 * noise(machine.number, key)
        share += 0.01 * abs((m.now / DAY + machine.size) % 2 - 1)
        if first and machine.fills:
            share += (m.now * machine.fills) % (FULL - machine.room)
        return int(net * share) // 4096 * 4096

    return figure


def filesystem(series: Series, values: Values) -> Figure:
    bytes_used = used(series, values)
    there = values["host_filesystem_used_bytes", series.labels]
    net = int(there + values["host_filesystem_available_bytes", series.labels])
    if series.name == "host_filesystem_used_bytes":
        return bytes_used
    if series.name == "host_filesystem_available_bytes":
        return lambda m: net - bytes_used(m)
    return lambda m: bytes_used(m) / net


def level(values: Values) -> Figure:
    """Return the level by the limits of CPU, memory and filesystems, 80 and 90 % on the fixture machine."""
    ratio = "host_filesystem_usage_ratio"
    shares = [
        filesystem(Series(ratio, labels, value), values) for (name, labels), value in values.items() if name == ratio
    ]

    def figure(m: Moment) -> int:
        worst = max(m.load, m.memory / m.memory_total, *(float(share(m)) for share in shares))
        return sum(worst >= limit for limit in (0.8, 0.9))

    return figure


def battery(m: Moment) -> float:
    return round(0.5 + 0.45 * abs((m.now / 20000 + m.machine.size) % 2 - 1), 2)


def temperature(series: Series) -> Figure:
    rest, key = series.value % 1, series.key % 7
    return lambda m: int(30 + key + 40 * m.load) + rest


def took(series: Series) -> Figure:
    mean, key = series.value, series.key
    return lambda m: mean * (1 + 0.3 * noise(m.machine.number, key, int(m.now)))


def pressure(series: Series) -> Figure:
    rate = {"cpu": 0.08, "io": 0.02, "memory": 0.0001, "irq": 0.003}[series.label("resource")]
    return lambda m: round(rate * m.busy, 6)


def state(series: Series) -> Figure | None:
    spread = {"sleeping": 40, "running": 3, "idle": 30}.get(series.label("state"))
    if spread is None:
        return None
    return lambda m: int(spread * (1.1 + 0.1 * noise(m.machine.number, spread, int(m.now // 15))))


MAKERS: dict[str, Callable[[Series], Figure | None]] = {
    "host_boot_time_seconds": lambda _: lambda m: round(m.booted),
    "host_uptime_seconds": lambda _: lambda m: round(m.up, 2),
    "host_clock_time_seconds": lambda _: lambda m: round(m.now, 3),
    "host_clock_offset_seconds": lambda s: lambda m: round(2e-4 * noise(m.machine.number, s.key, int(m.now)), 6),
    "host_clock_error_seconds": lambda _: lambda m: round(0.01 + m.now % 64 * 5e-4, 6),
    "host_file_descriptors_used": lambda _: lambda m: int(6000 + 4000 * m.load),
    "host_threads_used": lambda _: lambda m: int(400 + 200 * m.load),
    "host_conntrack_entries": lambda _: lambda m: int(200 + 3000 * m.load),
    "host_tcp_retransmitted_segments_total": grows(2),
    "host_tcp_listen_overflows_total": grows(0.001),
    "host_load1": average(0.5),
    "host_load5": average(0.2),
    "host_load15": average(0.05),
    "host_cpu_usage_ratio": usage,
    "host_cpu_core_usage_ratio": core_usage,
    "host_cpu_seconds_total": cpu_seconds,
    "host_memory_used_bytes": lambda _: lambda m: m.memory,
    "host_memory_free_bytes": lambda _: lambda m: (int(m.memory_total) - m.memory) // 3,
    "host_memory_available_bytes": lambda _: lambda m: int(m.memory_total) - m.memory,
    "host_memory_usage_ratio": lambda _: lambda m: m.memory / m.memory_total,
    "host_filesystem_inodes_usage_ratio": lambda s: lambda m: 0.3 + 0.25 * noise(m.machine.number, s.key),
    "host_filesystem_error": lambda s: lambda m: int((m.machine.number + s.key) % 2000 == 0),
    "host_disk_read_bytes_total": grows(2e6, 512),
    "host_disk_written_bytes_total": grows(3e6, 512),
    "host_disk_reads_completed_total": grows(50),
    "host_disk_writes_completed_total": grows(90),
    "host_disk_busy_seconds_total": grows(0.2, digits=3),
    "host_disk_read_seconds_total": grows(0.15, digits=3),
    "host_disk_write_seconds_total": grows(0.4, digits=3),
    "host_disk_queue_seconds_total": grows(0.55, digits=3),
    "host_network_receive_bytes_total": grows(8e5),
    "host_network_transmit_bytes_total": grows(3e5),
    "host_network_receive_packets_total": grows(900),
    "host_network_transmit_packets_total": grows(500),
    "host_network_receive_dropped_total": grows(0.001),
    "host_battery_charge_ratio": lambda _: battery,
    "host_battery_remaining_seconds": lambda _: lambda m: int(240 * battery(m)) * 60,
    "host_temperature_celsius": temperature,
    "host_pressure_waiting_seconds_total": pressure,
    "host_pressure_stalled_seconds_total": pressure,
    "host_processes": state,
    "host_exporter_collector_duration_seconds": took,
    "process_resident_memory_bytes": lambda s: lambda m: int(s.value) + 4096 * int(90 * noise(int(m.now // 300))),
    "process_start_time_seconds": lambda _: lambda m: round(m.booted + 20, 2),
    "process_cpu_seconds_total": lambda _: lambda m: int(0.03 * m.up) / 100,
}
FILESYSTEM = ("host_filesystem_used_bytes", "host_filesystem_available_bytes", "host_filesystem_usage_ratio")


def figure_of(series: Series, values: Values) -> Figure | None:
    """Return the function for a series' value, None if it is constant. ``values`` are those of the fixture."""
    if series.name == "host_level":
        return level(values)
    if series.name in FILESYSTEM:
        return filesystem(series, values)
    maker = MAKERS.get(series.name)
    return maker(series) if maker else None
