"""Temperature sensors on Linux: /sys/class/hwmon, and the zones of /sys/class/thermal that it does not have."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.host import number, read_bytes, read_flag, read_text
from exporter.sources.hwmon import numbered, read_chips

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.sources.hwmon import Chip

_INPUT = re.compile(r"(temp\d+)_input").fullmatch

_MADE_UP = "INT3400 Thermal"
"""Not a sensor but Intel's table of cooling policies; Linux gives it 20 °C because a zone must have a temperature."""

_PACKAGE, _CORES = "x86_pkg_temp", "coretemp"
"""The zone has the same figure as this chip's temp1, "Package id 0"; each processor has one of both."""

_WHOLE_DEGREES = range(1, 200)
"""What a thermal zone says if its driver counts in degrees, as old kernels of ARM boards do: below 0.2 °C otherwise."""

_OPEN = 127.0
"""The highest temperature in the 8 bits that most chips have for whole degrees, shown if no sensor is connected."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor. ``chip`` is the name of its chip, ``label`` the driver's name for it, which need not be unique.

    ``folder`` is "hwmon3", ``number`` "temp1", ``celsius`` NaN if what it says is no number. ``zone`` is the folder of
    the thermal zone with the same figure, if there is one; ``of`` the chip of hwmon, None for a thermal zone.
    """

    chip: str
    folder: str
    number: str
    label: str
    celsius: float
    zone: str = ""
    of: Chip | None = None


def read_sensors(sys: str) -> list[Sensor]:
    """Return the sensors that can be read; one that sleeps, is not connected or reports a fault is left out."""
    chips = read_chips(sys)
    numbers: dict[str, Counter[str]] = defaultdict(Counter)
    inputs = {}
    for chip in chips:
        inputs[chip.folder] = _inputs(chip.files)
        numbers[chip.name].update(inputs[chip.folder])
    copies: dict[tuple[str, str], str] = {}
    zones = list(_zones(f"{sys}/class/thermal", numbers, copies))
    return [each for chip in chips for each in _hwmon(chip, inputs[chip.folder], copies)] + zones


def _hwmon(chip: Chip, numbers: Iterable[str], copies: dict[tuple[str, str], str]) -> Iterator[Sensor]:
    for each in numbers:
        if f"{each}_fault" in chip.files and read_flag(f"{chip.place}/{each}_fault"):
            continue
        if (celsius := _celsius(f"{chip.place}/{each}_input")) is not None:
            zone = copies.get((chip.name, each), "")
            yield Sensor(chip.title, chip.folder, each, chip.label(each), celsius, zone, chip)


def _zones(base: str, chips: dict[str, Counter[str]], copies: dict[tuple[str, str], str]) -> Iterator[Sensor]:
    """Yield the thermal zones that are not in hwmon as well, and note in ``copies`` those that are.

    Linux copies most of them there: a chip with the zones' type as its name, and temp1, temp2... for the zones of that
    type in turn. The others are given the same names: the N of thermal_zoneN can change at each boot.
    """
    seen: dict[str, int] = defaultdict(int)
    for folder in numbered(base, "thermal_zone"):
        kind = read_text(f"{base}/{folder}/type") or "thermal"
        chip = kind.replace("-", "_")  # as in hwmon
        seen[chip] += 1
        place = f"temp{seen[chip]}"
        if place in chips.get(chip, ()):
            copies[chip, place] = f"{base}/{folder}"
            continue
        if kind == _MADE_UP or (kind == _PACKAGE and _CORES in chips and seen[chip] <= chips[_CORES]["temp1"]):
            continue
        if (celsius := _celsius(f"{base}/{folder}/temp", degrees=True)) is not None:
            yield Sensor(chip, folder, place, "", celsius, f"{base}/{folder}")


def _celsius(path: str, *, degrees: bool = False) -> float | None:
    """Return a file's thousandths of a degree as degrees; with ``degrees``, it may hold whole ones."""
    text = read_bytes(path)
    if not text:
        return None
    figure = number(text)
    if figure == 0:  # what a chip says of a sensor that it lacks, far more often than that something freezes
        return None
    celsius = float(figure) if degrees and figure in _WHOLE_DEGREES else figure / 1000
    return None if _OPEN <= celsius < _OPEN + 1 else celsius


def _inputs(files: Iterable[str]) -> list[str]:
    return sorted(found[1] for name in files if (found := _INPUT(name)))
