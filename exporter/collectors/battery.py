"""Battery charge and power source, on machines with a battery."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauge
from exporter.findings import Finding
from exporter.model import hidden
from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import LINUX
from exporter.sources.power import in_one_unit, read_supplies
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

LOW = 0.15
"""Charge at or below which a machine on battery power gets a warning; the same limit as in HostBatteryLow."""

QUICKEST = 600.0
"""Seconds in which no battery of a computer can be emptied."""

NOISE = 0.05
"""Charge by which a battery's reading may jump, when its firmware corrects itself."""

LONGEST = 7 * 86400.0
"""Seconds. A longer remaining time comes from a rate of discharge that is not known yet, or is noise."""

NO_PERCENTAGE = 255
"""Windows' BatteryLifePercent if the charge is unknown."""


@dataclass(frozen=True, slots=True)
class Battery:
    """All batteries combined. ``remaining_seconds`` is None while charging, and if unknown."""

    charge_ratio: float | None
    plugged: bool | None
    remaining_seconds: float | None
    read_at: float = hidden(0.0)


def read(machine: Machine, baseline: Snapshot | None) -> Battery | None:
    """Read /sys/class/power_supply on Linux, because psutil sees only the first battery; psutil elsewhere."""
    now = _now()
    section = _from_sysfs(f"{machine.host.sys}/class/power_supply", now) if LINUX else _from_psutil(now)
    before = baseline.section(Battery) if baseline else None
    if section and before and _fell_too_fast(section, before):
        return replace(section, charge_ratio=IMPOSSIBLE)
    return section


def metrics(section: Battery) -> Iterable[Metric]:
    """Return the battery families."""
    yield from gauge("host_battery_charge_ratio", "Charge of all batteries combined, 0-1.", section.charge_ratio)
    yield from gauge("host_battery_plugged", "1 if the machine is on mains power, 0 if on battery.", section.plugged)
    yield from gauge(
        "host_battery_remaining_seconds",
        "Seconds until the batteries are empty at the current rate of discharge; absent on mains power.",
        section.remaining_seconds,
    )


def findings(section: Battery, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield a warning if the battery is low and the machine is not plugged in."""
    ratio = section.charge_ratio
    if ratio is not None and ratio <= LOW and section.plugged is False:
        yield Finding("HostBatteryLow", Level.WARNING, "Battery", ratio=ratio, limit=LOW, below=True)


def _now() -> float:
    """Return a time that goes on while the machine sleeps, as its battery does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if LINUX else time.monotonic()


def _fell_too_fast(section: Battery, before: Battery) -> bool:
    """Return whether more charge is gone than a battery can deliver: after waking up, some firmware says 0 once.

    The next reading is believed, because it has none to be compared with.
    """
    if section.charge_ratio is None or before.charge_ratio is None:
        return False
    return before.charge_ratio - section.charge_ratio > NOISE + (section.read_at - before.read_at) / QUICKEST


def _from_psutil(now: float) -> Battery | None:
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if battery is None or battery.percent is None or battery.percent < 0 or battery.percent == NO_PERCENTAGE:
        return None
    # Windows says "charging" apart from "plugged in"; for both, psutil's time left is unlimited.
    plugged = True if battery.secsleft == psutil.POWER_TIME_UNLIMITED else battery.power_plugged
    # psutil uses negative numbers for unknown and unlimited.
    remaining = battery.secsleft if 0 < (battery.secsleft or -1) <= LONGEST and not plugged else None
    return Battery(battery.percent / 100, plugged, remaining, now)


def _from_sysfs(base: str, now: float) -> Battery | None:
    supplies = read_supplies(base)
    if not supplies.cells:
        return None
    cells = in_one_unit(supplies.cells)
    charge, full = sum(cell.now for cell in cells), sum(cell.full for cell in cells)
    rate = sum(cell.rate for cell in cells if cell.status == "discharging")
    plugged = _plugged(supplies.mains, [cell.status for cell in cells])
    remaining = 3600 * charge / rate if rate > 0 and not plugged else None
    return Battery(charge / full, plugged, remaining if remaining and remaining <= LONGEST else None, now)


def _plugged(mains: Sequence[bool], statuses: Sequence[str]) -> bool | None:
    # A battery that charges does so from the mains, even if a dock or USB-C charger has no entry, or a wrong one.
    if any(mains) or ("charging" in statuses and "discharging" not in statuses):
        return True
    if mains or "discharging" in statuses:
        return False
    return True if any(status in {"full", "not charging"} for status in statuses) else None
