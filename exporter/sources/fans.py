"""Fans and voltages on Linux: /sys/class/hwmon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.host import number, read_bytes, read_flag, read_int
from exporter.sources.hwmon import read_chips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sources.hwmon import Chip

SLOWEST = 100
"""Revolutions a minute. A lower limit is one that nobody has set: "10" is what an empty register of an IT87 says."""

_DESIGNED = ("lcrit_alarm", "crit_alarm")
_SET = ("alarm", "min_alarm", "max_alarm")


@dataclass(frozen=True, slots=True)
class Input:
    """A fan in revolutions a minute, or a voltage in volts; None if it has an alarm only.

    ``alarm`` says whether its chip raises an alarm, None if it has none that means something.
    """

    chip: str
    folder: str
    number: str
    label: str
    figure: float | None
    alarm: bool | None


def read_fans(sys: str) -> tuple[list[Input], list[Input]]:
    """Return fans and voltages; one that reports a fault of its sensor has no figure."""
    chips = read_chips(sys)
    return [each for chip in chips for each in _fans(chip)], [each for chip in chips for each in _voltages(chip)]


def _fans(chip: Chip) -> Iterator[Input]:
    for fan in chip.numbers(r"(fan\d+)_(?:input|alarm|fault)"):
        alarm = _any(chip, fan, ("alarm", "min_alarm")) if _is_watched(chip, fan) else None
        fault = f"{fan}_fault" in chip.files and read_flag(f"{chip.place}/{fan}_fault")
        figure = None if fault or f"{fan}_input" not in chip.files else _figure(f"{chip.place}/{fan}_input")
        if figure is not None or alarm is not None:
            yield Input(chip.title, chip.folder, fan, chip.label(fan), figure, alarm)


def _is_watched(chip: Chip, fan: str) -> bool:
    """Return whether an alarm says something: without a limit that is set, it is raised by each plug without a fan.

    Some chips of mainboards (F71882FG) have no limit to set.
    """
    if f"{fan}_min" not in chip.files:
        return not chip.has_defaults()
    least = _read(chip, f"{fan}_min")
    return least is not None and least >= SLOWEST and not chip.wakes_at_random()


def _voltages(chip: Chip) -> Iterator[Input]:
    for rail in chip.numbers(r"(in\d+)_(?:input|(?:lcrit_|crit_|min_|max_)?alarm)"):
        alarm = _any(chip, rail, _DESIGNED + (_SET if _has_limits(chip, rail) else ()))
        figure = _figure(f"{chip.place}/{rail}_input") if f"{rail}_input" in chip.files else None
        volts = None if figure is None else figure / 1000
        if volts is not None or alarm is not None:
            yield Input(chip.title, chip.folder, rail, chip.label(rail), volts, alarm)


def _has_limits(chip: Chip, rail: str) -> bool:
    """Return whether a rail's limits are some that somebody has set, or the chip's alarm has others than these.

    Most boards leave them as they are after power-on: 0 to 0 V, 0 to 3 V, or at random. Then each rail is an "alarm".
    """
    files = [f"{rail}_{name}" for name in ("min", "max") if f"{rail}_{name}" in chip.files]
    if not files:
        return True
    if chip.wakes_at_random():
        return False
    limits = [_read(chip, name) for name in files]
    if any(limit is None or limit <= 0 for limit in limits):
        return False
    return len(files) == 1 or (limits[0] or 0) < (limits[1] or 0) <= 2 * (limits[0] or 0)


def _any(chip: Chip, sensor: str, names: tuple[str, ...]) -> bool | None:
    """Return whether one of a sensor's alarms is raised, None if it has none that can be read."""
    said = [read_flag(f"{chip.place}/{sensor}_{name}") for name in names if f"{sensor}_{name}" in chip.files]
    known = [flag for flag in said if flag is not None]
    return any(known) if known else None


def _read(chip: Chip, name: str) -> int | None:
    return read_int(f"{chip.place}/{name}") if name in chip.files else None


def _figure(path: str) -> float | None:
    """Return the number in a file, None if the chip does not answer."""
    text = read_bytes(path)
    return number(text) if text else None
