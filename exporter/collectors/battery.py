"""Battery charge and power source, on machines with a battery."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauge
from exporter.findings import Finding
from exporter.sources.host import LINUX, read_int, read_text
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

LOW = 0.15
"""Charge at or below which a machine on battery power gets a warning; the same limit as in HostBatteryLow."""


@dataclass(frozen=True, slots=True)
class Battery:
    """All batteries combined. ``remaining_seconds`` is None while charging, and if unknown."""

    charge_ratio: float | None
    plugged: bool | None
    remaining_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Cell:
    """One battery in /sys/class/power_supply: ``now`` and ``full`` in the same unit, ``rate`` in that unit per hour."""

    now: float
    full: float
    rate: float
    status: str


def read(machine: Machine, _baseline: Snapshot | None) -> Battery | None:
    """Read /sys/class/power_supply on Linux, because psutil sees only the first battery; psutil elsewhere."""
    if LINUX:
        return _from_sysfs(f"{machine.host.sys}/class/power_supply")
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    if battery is None:
        return None
    # psutil uses negative numbers for unknown and unlimited.
    remaining = battery.secsleft if (battery.secsleft or -1) > 0 and not battery.power_plugged else None
    return Battery(battery.percent / 100, battery.power_plugged, remaining)


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


def _from_sysfs(base: str) -> Battery | None:
    try:
        names = sorted(os.listdir(base))
    except OSError:
        return None
    cells, mains = [], []
    for folder in (f"{base}/{name}" for name in names):
        kind = (read_text(f"{folder}/type") or "").lower()
        if kind == "battery" and (cell := _cell(folder)):
            cells.append(cell)
        elif kind in {"mains", "usb"} and (online := read_int(f"{folder}/online")) is not None:
            mains.append(online > 0)
    if not cells:
        return None
    plugged = _plugged(mains, [cell.status for cell in cells])
    full, now = sum(cell.full for cell in cells), sum(cell.now for cell in cells)
    rate = sum(cell.rate for cell in cells if cell.status == "discharging")
    return Battery(
        charge_ratio=min(1.0, now / full),
        plugged=plugged,
        remaining_seconds=3600 * now / rate if rate > 0 and not plugged else None,
    )


def _cell(folder: str) -> _Cell | None:
    """Return a battery that powers the machine, or None: a mouse or headset (scope Device) does not count."""
    if (read_text(f"{folder}/scope") or "").lower() == "device" or read_int(f"{folder}/present") == 0:
        return None
    status = (read_text(f"{folder}/status") or "").lower()
    for quantity, flow in (("energy", "power"), ("charge", "current")):
        now, full = read_int(f"{folder}/{quantity}_now"), read_int(f"{folder}/{quantity}_full")
        if now is not None and now >= 0 and full is not None and full > 0:
            return _Cell(now, full, abs(read_int(f"{folder}/{flow}_now") or 0), status)
    percent = read_int(f"{folder}/capacity")
    return None if percent is None or percent < 0 else _Cell(percent, 100, 0, status)


def _plugged(mains: list[bool], statuses: list[str]) -> bool | None:
    if mains:
        return any(mains)
    # No mains entry (some ARM laptops): go by what the batteries are doing.
    if "discharging" in statuses:
        return False
    return True if any(status in {"charging", "full", "not charging"} for status in statuses) else None
