"""How the machine's parts are: disks by SMART, backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.render.tables.table import Column, Table
from exporter.render.units import UNKNOWN, percent, whole

if TYPE_CHECKING:
    from exporter.collectors.textfile import Textfiles

DISKS = (
    Column("Disk", "left", "nvme0n1"),
    Column("Verdict", "left", "healthy"),
    Column("Wear", "right", "100 %"),
    Column("Media errors", "right", "12345", spare=1),
    Column("Model", "left", "Example SSD 980 PRO 2TB", spare=2),
)


def disk_health(section: Textfiles) -> Table:
    """Return what SMART says of each disk."""
    rows = tuple(
        (
            f"{disk.device} {disk.serial}",
            (
                disk.device,
                UNKNOWN if disk.healthy is None else "healthy" if disk.healthy else "failing",
                percent(disk.wear_ratio),
                whole(disk.media_errors),
                disk.model or UNKNOWN,
            ),
        )
        for disk in section.disks
    )
    return Table("Disk health", DISKS, rows)
