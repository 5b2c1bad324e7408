"""The tables of the terminal and the window, by subject in the order of the collectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collectors.disk import Disks
from exporter.collectors.hardware import Hardware
from exporter.collectors.integrity import Integrity
from exporter.collectors.limits import Limits
from exporter.collectors.network import Network
from exporter.collectors.pool import Pools
from exporter.collectors.processes import Processes
from exporter.collectors.raid import Raid
from exporter.collectors.temperature import Temperatures
from exporter.collectors.textfile import Textfiles
from exporter.render.tables import activity, hardware, health, kernel, storage

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import Snapshot
    from exporter.render.tables.table import Table


def tables(snapshot: Snapshot) -> list[Table]:
    """Return the tables that have rows; a subject that could not be read has none."""
    shown = [
        _SUBJECTS[type(each.section)](each.section) for each in snapshot.readings if type(each.section) in _SUBJECTS
    ]
    return [table for table in shown if table.rows]


_SUBJECTS: dict[type[Any], Callable[[Any], Table]] = {
    Processes: activity.processes,
    Integrity: storage.errors,
    Raid: storage.arrays,
    Pools: storage.pools,
    Network: activity.network,
    Disks: activity.disks,
    Temperatures: hardware.temperatures,
    Hardware: hardware.fans,
    Limits: kernel.limits,
    Textfiles: health.disk_health,
}
