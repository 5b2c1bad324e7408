"""Wear of built-in flash: the eMMC of small computers, tablets and phones (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import gauges
from exporter.findings import Finding
from exporter.sources.flash import Chip, read_flash
from exporter.sources.host import LINUX
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

WORN, WORN_OUT = 0.8, 0.95
"""Shares from which HostDiskWorn warns and is critical."""


@dataclass(frozen=True, slots=True)
class Flash:
    """All devices that report their wear, sorted by name."""

    devices: tuple[Chip, ...]


def read(machine: Machine, _baseline: Snapshot | None) -> Flash | None:
    """Read /sys/class/block/mmcblk*/device/{life_time,pre_eol_info}; None if there is no such device."""
    found = read_flash(machine.host.sys) if LINUX else ()
    return Flash(found) if found else None


def metrics(section: Flash) -> Iterable[Metric]:
    """Return the families of flash."""
    yield from gauges(
        "host_flash_wear_ratio",
        "Wear of the eMMC, 0-1, by kind of cells, in steps of 0.1: 0.3 is 20 to 30 %, 1 is 90 % or more.",
        ("device", "kind"),
        [
            ((chip.device, kind), wear)
            for chip in section.devices
            for kind, wear in (("a", chip.wear_a_ratio), ("b", chip.wear_b_ratio))
        ],
    )
    yield from gauges(
        "host_flash_end_of_life",
        "1 if the eMMC says that 80 % of its spare blocks are used up, 0 if not.",
        ("device",),
        [((chip.device,), chip.end_of_life) for chip in section.devices],
    )


def findings(section: Flash, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield devices that are worn, and those that say that their end is near."""
    for chip in section.devices:
        wear = chip.wear_ratio()
        if wear is not None and wear >= WORN:
            level, limit = (Level.CRITICAL, WORN_OUT) if wear >= WORN_OUT else (Level.WARNING, WORN)
            # The upper end of a step of 10 %.
            reason = f"is up to {wear * 100:.0f}\u00a0% worn ({level} at {limit * 100:.0f}\u00a0%)"
            yield Finding("HostDiskWorn", level, "Disk", chip.device, reason=reason)
        elif chip.end_of_life:
            reason = "has used up most of its spare blocks"
            yield Finding("HostDiskWorn", Level.WARNING, "Disk", chip.device, reason=reason)
