"""Batteries and chargers on Linux: /sys/class/power_supply."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING

from exporter.sources.host import read_int, read_text

if TYPE_CHECKING:
    from collections.abc import Sequence

ENERGY, CHARGE, PERCENT = "energy", "charge", "percent"

_FLOWS = {ENERGY: "power_now", CHARGE: "current_now"}

_VOLTS = ("voltage_min_design", "voltage_now")
"""A battery's nominal voltage; where that is not known, the present one, which is a few percent off."""

_POSSIBLE_VOLTS = (1.0, 100.0)

_HID = "hid"
"""Beginning of the names that Linux gives to the batteries of mice, keyboards and pens (HID devices)."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One battery that powers the machine. ``unit`` is that of ``now`` and ``full``; ``rate`` is in that unit per hour.

    Energy is in uWh, charge in uAh. ``now`` is NaN if it cannot be. ``volts`` is None if unknown.
    """

    now: float
    full: float
    rate: float
    unit: str
    volts: float | None
    status: str


@dataclass(frozen=True, slots=True)
class Supplies:
    """All batteries, and for each charger whether it delivers."""

    cells: tuple[Cell, ...]
    mains: tuple[bool, ...]


def read_supplies(base: str) -> Supplies:
    """Return the power supplies of the machine itself: those of a mouse or headset do not count.

    They are of the scope Device, or of none if the driver is old or incomplete.
    """
    try:
        names = sorted(os.listdir(base))
    except OSError:
        names = []
    cells, mains = [], []
    for folder in (f"{base}/{name}" for name in names if not name.startswith(_HID)):
        if (read_text(f"{folder}/scope") or "").lower() == "device":
            continue
        kind = (read_text(f"{folder}/type") or "").lower()
        if kind == "battery" and (cell := _cell(folder)):
            cells.append(cell)
        elif kind.startswith(("mains", "usb", "wireless")) and (online := read_int(f"{folder}/online")) is not None:
            mains.append(online > 0)
    return Supplies(tuple(cells), tuple(mains))


def in_one_unit(cells: Sequence[Cell]) -> list[Cell]:
    """Return batteries whose figures can be added: as energy, or as percentages if the size of one is unknown."""
    if len({cell.unit for cell in cells}) == 1:
        return list(cells)
    if all(cell.unit == ENERGY or (cell.unit == CHARGE and cell.volts) for cell in cells):
        return [cell if cell.unit == ENERGY else _times(cell, cell.volts or nan, ENERGY) for cell in cells]
    # Taken for equal in size; how long they last cannot be said.
    return [replace(_times(cell, 100 / cell.full, PERCENT), rate=0.0) for cell in cells]


def _times(cell: Cell, factor: float, unit: str) -> Cell:
    return replace(cell, now=cell.now * factor, full=cell.full * factor, rate=cell.rate * factor, unit=unit)


def _cell(folder: str) -> Cell | None:
    if read_int(f"{folder}/present") == 0:
        return None
    status = (read_text(f"{folder}/status") or "").lower()
    percent = read_int(f"{folder}/capacity")
    for unit, flow in _FLOWS.items():
        now, full = read_int(f"{folder}/{unit}_now"), read_int(f"{folder}/{unit}_full")
        if now is not None and now >= 0 and full is not None and full > 0:
            rate = abs(read_int(f"{folder}/{flow}") or 0)
            return Cell(_held(now, full, percent, status), full, rate, unit, _volts(folder), status)
    if percent is None or percent < 0:
        return None
    return Cell(_held(percent, 100, None, status), 100, 0, PERCENT, None, status)


def _held(now: int, full: int, percent: int | None, status: str) -> float:
    """Return what a battery holds. Firmware that has lost count claims more than ``full``; then others must tell."""
    if now <= full:
        return now
    if percent is not None and 0 <= percent <= 100:
        return full * percent / 100
    return full if status == "full" else nan


def _volts(folder: str) -> float | None:
    for name in _VOLTS:
        volts = (read_int(f"{folder}/{name}") or 0) / 1e6
        if _POSSIBLE_VOLTS[0] <= volts <= _POSSIBLE_VOLTS[1]:
            return volts
    return None
