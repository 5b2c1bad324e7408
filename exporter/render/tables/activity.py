"""What the machine is doing: processes, network, disks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.render.tables.table import Column, Table
from exporter.render.units import UNKNOWN, number, percent, rate, size, wait

if TYPE_CHECKING:
    from exporter.collectors.disk import Disks
    from exporter.collectors.network import Network
    from exporter.collectors.processes import Processes

RATE = "88.8 MiB/s"

PROCESSES = (
    Column("Process", "left", "python3 longer_name.py"),
    Column("CPU", "right", "6400.0 %"),
    Column("Memory", "right", "12.1 GiB"),
    Column("PID", "right", "4194304", spare=1),
    Column("User", "left", "www-data-1", spare=2),
)
NETWORK = (
    Column("Interface", "left", "enp0s31f6"),
    Column("Link", "left", "down", spare=1),
    Column("Receive", "right", RATE),
    Column("Transmit", "right", RATE),
)
WAIT = "188 ms"
DISKS = (
    Column("Disk", "left", "nvme0n1"),
    Column("Read", "right", RATE),
    Column("Write", "right", RATE),
    Column("Read wait", "right", WAIT, spare=2),
    Column("Write wait", "right", WAIT, spare=3),
    Column("Queue", "right", "88.8", spare=1),
)


def processes(section: Processes) -> Table:
    """Return the top processes."""
    rows = tuple(
        (str(p.pid), (p.name, percent(p.cpu_cores, 1), size(p.memory_bytes), str(p.pid), p.user))
        for p in section.processes
    )
    return Table("Top processes", PROCESSES, rows, f"{section.total} total; CPU: 100\u00a0% = one core")


def network(section: Network) -> Table:
    """Return the interfaces and their traffic."""
    return Table(
        "Network",
        NETWORK,
        tuple(
            (
                each.interface,
                (each.interface, _link(each.up), rate(each.receive_rate_bytes), rate(each.transmit_rate_bytes)),
            )
            for each in section.interfaces
        ),
    )


def disks(section: Disks) -> Table:
    """Return the disks, their traffic, and how long requests wait."""
    rows = tuple(
        (
            each.device,
            (
                each.device,
                rate(each.read_rate_bytes),
                rate(each.write_rate_bytes),
                wait(each.read_wait_seconds),
                wait(each.write_wait_seconds),
                number(each.queue_length, 1),
            ),
        )
        for each in section.disks
    )
    return Table("Disks", DISKS, rows)


def _link(up: bool | None) -> str:
    return UNKNOWN if up is None else "up" if up else "down"
