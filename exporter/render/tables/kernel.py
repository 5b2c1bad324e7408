"""How much of the kernel's limits is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.render.tables.table import Column, Table
from exporter.render.units import percent, used_of

if TYPE_CHECKING:
    from exporter.collectors.limits import Limits

LIMITS = (
    Column("Kernel limit", "left", "Tracked connections"),
    Column("Share", "right", "100 %"),
    Column("Number", "right", "262144 of 2466170", spare=1),
)


def limits(section: Limits) -> Table:
    """Return the limits and how much of them is used."""
    rows = tuple(
        (each.resource, (each.name(), percent(each.usage_ratio()), used_of(each.used, each.limit)))
        for each in section.limits
    )
    return Table("Kernel limits", LIMITS, rows)
