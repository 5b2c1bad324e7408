"""What the machine measures of itself: temperatures and fans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.render.tables.table import Column, Table
from exporter.render.units import celsius, whole

if TYPE_CHECKING:
    from exporter.collectors.hardware import Hardware
    from exporter.collectors.temperature import Temperatures

TEMPERATURES = (
    Column("Sensor", "left", "coretemp Package id 0"),
    Column("\u00b0C", "right", "100.5"),
    Column("Limit", "right", "100.5", spare=1),
)
FANS = (Column("Fan", "left", "thinkpad fan1"), Column("rpm", "right", "12000"))


def temperatures(section: Temperatures) -> Table:
    """Return the sensors, each with the limit of its hardware that it reaches next."""
    rows = tuple(
        (
            it.subject,
            (it.subject, celsius(it.celsius), "" if (most := it.next_limit_celsius) is None else celsius(most)),
        )
        for it in section.sensors
    )
    return Table("Temperatures", TEMPERATURES, rows)


def fans(section: Hardware) -> Table:
    """Return the fans that report their speed."""
    rows = tuple((it.subject, (it.subject, whole(it.rpm))) for it in section.fans if it.rpm is not None)
    return Table("Fans", FANS, rows)
