"""What the machine keeps its data on: arrays, pools, errors of filesystems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.render.tables.table import Column, Table
from exporter.render.units import UNKNOWN, percent, whole

if TYPE_CHECKING:
    from exporter.collectors.integrity import Integrity
    from exporter.collectors.pool import Pools
    from exporter.collectors.raid import Array, Raid

ERRORS = (
    Column("Device", "left", "mapper/vg-root"),
    Column("Filesystem", "left", "/srv/data", spare=1),
    Column("Errors", "right", "12 corruption"),
)
ARRAYS = (
    Column("Array", "left", "md127"),
    Column("Level", "left", "raid10", spare=2),
    Column("In sync", "right", "12 of 12"),
    Column("State", "left", "recover 100.0 %"),
)
POOLS = (
    Column("Pool", "left", "backup-pool"),
    Column("Type", "left", "zfs", spare=1),
    Column("State", "left", "DEGRADED"),
)


def errors(section: Integrity) -> Table:
    """Return what has met errors."""
    counted = [
        (each.device, (each.device, each.mountpoint, whole(each.errors))) for each in section.filesystems if each.errors
    ]
    for device in section.btrfs_devices:
        kinds = [f"{whole(count)} {kind.removesuffix('_errs')}" for kind, count in device.errors.items() if count]
        said = ["missing"] * bool(device.missing) + kinds
        if said:
            name = f"{device.filesystem} {device.device}"
            counted.append((name, (device.device, device.filesystem, ", ".join(said))))
    return Table("Filesystem errors and missing devices", ERRORS, tuple(counted))


def arrays(section: Raid) -> Table:
    """Return the arrays and what is being done to them."""
    rows = tuple((each.device, (each.device, each.level, members(each), doing(each))) for each in section.arrays)
    return Table("Arrays", ARRAYS, rows)


def pools(section: Pools) -> Table:
    """Return the pools."""
    return Table("Pools", POOLS, tuple((each.pool, (each.pool, each.type, each.state)) for each in section.pools))


def members(array: Array) -> str:
    """Return how many members are in sync, of how many that the array needs."""
    good = len(array.names("in_sync"))
    return f"{good} of {whole(good + array.degraded_members)}" if array.degraded_members is not None else str(good)


def doing(array: Array) -> str:
    """Return what is being done to an array, else its state."""
    if array.action is None:
        return array.state
    return f"{array.action} {'waits' if array.action_ratio is None else percent(array.action_ratio, 1)}".replace(
        UNKNOWN, ""
    )
