"""The one place that decides which figures cannot be: an impossible one is absent, its neighbours stay.

Drivers lie: 1,000,000 free inodes of 999, -128 °C, a counter that is no number. Collectors compute with what they
read and clamp nothing, so that nonsense shows as a ratio above 1 or a size below 0; what only they can know to be
impossible, they set to NaN. Every section passes through here before it becomes metrics, findings or JSON.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import cache
from math import inf, nan
from typing import Any

LARGEST = 2.0**80
"""Above any kernel counter (64 bits, in units of 1 KiB at most), and low enough for every rate to stay finite."""

COLDEST, HOTTEST = -100.0, 250.0
"""Degrees Celsius outside which no sensor of a running machine can be: -128 and -273.15 are what a dead one says."""

_UNITS = {
    "celsius": (COLDEST, HOTTEST),
    "volts": (-1000.0, 1000.0),
    "rpm": (0.0, 60_000.0),
    "offset_seconds": (-LARGEST, LARGEST),
}
"""The least and the greatest value in units other than those that only begin at 0. -12 V is a rail of old boards, and
65,535 is what a fan's 16 bits say that has no sensor."""

IMPOSSIBLE = nan
"""What a collector sets a figure to that it knows cannot be; it is then left out and counted."""


def within(part: float | None, whole: float | None) -> float | None:
    """Return the part of something, IMPOSSIBLE if it is larger than the whole."""
    return IMPOSSIBLE if part is not None and whole is not None and part > whole else part


def plausible(section: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a section without its impossible figures, which become None, and a description of each of them.

    A description ends with the figure. A machine without the hardware has no section (None).

    The unit at the end of a field's name says what is possible. Raises ValueError for a figure in a field that
    cannot be None: such a field holds what we count ourselves.
    """
    if not is_dataclass(section) or _is_sound(section):
        return section, ()
    dropped: list[str] = []
    return _row(section, "", dropped), tuple(dropped)


def _is_sound(row: Any) -> bool:
    """Return whether all figures of a row are possible, as nearly always: naming what is wrong takes longer."""
    for name, low, high, _ in _fields(row.__class__):
        value = getattr(row, name)
        kind = value.__class__
        if kind is float or kind is int:
            if not low <= value <= high:
                return False
        elif kind is tuple or kind is dict:
            for item in value if kind is tuple else value.values():
                inner = item.__class__
                if inner is float or inner is int:
                    if not low <= item <= high:
                        return False
                elif hasattr(inner, "__dataclass_fields__") and not _is_sound(item):
                    return False
        elif hasattr(kind, "__dataclass_fields__") and not _is_sound(value):
            return False
    return True


def _row(row: Any, place: str, dropped: list[str]) -> Any:
    changes: dict[str, Any] = {}
    for name, low, high, optional in _fields(row.__class__):
        value = getattr(row, name)
        kind = type(value)
        if kind is float or kind is int:
            if low <= value <= high:
                continue
            text = " ".join(part for part in (place, f"{name} would be {_text(value)}") if part)
            if not optional:
                raise ValueError(text)
            changes[name] = None
            dropped.append(text)
        elif value is None or kind is str or kind is bool:
            continue
        else:
            found = _nested(value, name, low, high, dropped)
            if found is not value:
                changes[name] = found
    return replace(row, **changes) if changes else row


def _nested(value: Any, name: str, low: float, high: float, dropped: list[str]) -> Any:
    """Return the rows or numbers in a field, the field itself if nothing is wrong with them."""
    before = len(dropped)
    if is_dataclass(value):
        return _row(value, _place(value) or name, dropped)
    if isinstance(value, tuple):
        items = tuple(_item(item, f"{name} {place}", low, high, dropped) for place, item in enumerate(value))
        return tuple(item for item in items if not _is_bare(item)) if len(dropped) > before else value
    if isinstance(value, dict):
        entries = {key: _item(item, f"{name} {key}", low, high, dropped) for key, item in value.items()}
        return {key: item for key, item in entries.items() if item is not None} if len(dropped) > before else value
    return value


def _item(item: Any, name: str, low: float, high: float, dropped: list[str]) -> Any:
    if is_dataclass(item):
        return _row(item, _place(item) or name, dropped)
    if isinstance(item, (int, float)) and not low <= item <= high:
        dropped.append(f"{name} would be {_text(item)}")
        return None
    return item


def _is_bare(item: Any) -> bool:
    """Return whether nothing but names is left of a row, as of a sensor without its temperature."""
    if not is_dataclass(item):
        return False
    return not any(isinstance(getattr(item, each.name), (bool, int, float, tuple, dict)) for each in fields(item))


def _text(value: float) -> str:
    """Return a number of any size as a short text."""
    try:
        return f"{float(value):g}"
    except OverflowError:  # an int of more than 308 digits
        return f"{inf:g}"


def _place(row: Any) -> str:
    """Return the names that tell a row from its neighbours: its texts."""
    texts = [getattr(row, each.name) for each in fields(row)]
    return " ".join(text for text in texts if isinstance(text, str))


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, float, float, bool], ...]:
    """Return the name, least and greatest value of a section's fields, and whether they may be None."""
    shown = [each for each in fields(kind) if not each.metadata.get("hidden") and each.type not in {"str", "bool"}]
    return tuple((each.name, *_range(each.name), "None" in str(each.type)) for each in shown)


def _range(name: str) -> tuple[float, float]:
    if name.endswith(("_ratio", "_ratios")):
        return 0.0, 1.0
    return next((limits for unit, limits in _UNITS.items() if name.endswith(unit)), (0.0, LARGEST))
