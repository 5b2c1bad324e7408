"""The tables of the terminal and the window, by subject in the order of the collectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from exporter.collectors.disk import Disks
from exporter.collectors.network import Network
from exporter.collectors.processes import Processes
from exporter.render.units import UNKNOWN, percent, rate, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import Snapshot

RATE = "88.8 MiB/s"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``sample`` is the longest text expected; it sets the width.

    On a narrow terminal, columns with a ``spare`` number give way to the rest, the highest number first.
    """

    title: str
    side: Literal["left", "right"]
    sample: str
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A subject's table: each row is (key, one text per column), with a key that stays the same between samples."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    note: str = ""


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
DISKS = (Column("Disk", "left", "nvme0n1"), Column("Read", "right", RATE), Column("Write", "right", RATE))


def tables(snapshot: Snapshot) -> list[Table]:
    """Return the tables that have rows; a subject that could not be read has none."""
    shown = [
        _SUBJECTS[type(each.section)](each.section) for each in snapshot.readings if type(each.section) in _SUBJECTS
    ]
    return [table for table in shown if table.rows]


def _processes(section: Processes) -> Table:
    rows = tuple(
        (str(p.pid), (p.name, percent(p.cpu_cores, 1), size(p.memory_bytes), str(p.pid), p.user))
        for p in section.processes
    )
    return Table("Top processes", PROCESSES, rows, f"{section.total} total; CPU: 100\u00a0% = one core")


def _network(section: Network) -> Table:
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


def _disks(section: Disks) -> Table:
    rows = tuple(
        (each.device, (each.device, rate(each.read_rate_bytes), rate(each.write_rate_bytes))) for each in section.disks
    )
    return Table("Disks", DISKS, rows)


def _link(up: bool | None) -> str:
    return UNKNOWN if up is None else "up" if up else "down"


_SUBJECTS: dict[type[Any], Callable[[Any], Table]] = {Processes: _processes, Network: _network, Disks: _disks}
