"""Temperature sensors on Linux: /sys/class/hwmon, and the zones of /sys/class/thermal that it does not have."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.host import number, read_bytes, read_int, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    """One sensor. ``chip`` and ``label`` are the driver's names for it and need not be unique.

    ``folder`` is "hwmon3", ``device`` the path of the device that the chip sits on or "" if it has none, ``number``
    "temp1", ``celsius`` NaN if what it says is no number. ``zone`` means a thermal zone.
    """

    chip: str
    folder: str
    device: str
    number: str
    label: str
    celsius: float
    zone: bool = False


def read_sensors(sys: str) -> list[Sensor]:
    """Return the sensors that can be read; one that sleeps, is not connected or reports a fault is left out."""
    chips: dict[str, Counter[str]] = defaultdict(Counter)
    sensors = list(_hwmon(f"{sys}/class/hwmon", chips))
    return sensors + list(_zones(f"{sys}/class/thermal", chips))


def _hwmon(base: str, chips: dict[str, Counter[str]]) -> Iterator[Sensor]:
    """Yield the sensors of hwmon, and note the numbers that each chip has, whether they can be read or not."""
    read = set()
    for folder in _numbered(base, "hwmon"):
        link = f"{base}/{folder}/device"
        device = os.path.realpath(link) if os.path.islink(link) else ""
        name = read_text(f"{base}/{folder}/name") or read_text(f"{link}/name") or folder
        place, files = f"{base}/{folder}", _files(f"{base}/{folder}")
        numbers = _inputs(files)
        if not numbers and (device or link) not in read:  # drivers older than Linux 3.14 have their files in the device
            place, files = link, _files(link)
            numbers = _inputs(files)
        read.add(device or link)
        chips[name].update(numbers)
        for each in numbers:
            if f"{each}_fault" in files and read_int(f"{place}/{each}_fault"):
                continue
            if (celsius := _celsius(f"{place}/{each}_input")) is not None:
                label = read_text(f"{place}/{each}_label") if f"{each}_label" in files else None
                yield Sensor(name, folder, device, each, label or "", celsius)


def _zones(base: str, chips: dict[str, Counter[str]]) -> Iterator[Sensor]:
    """Yield the thermal zones that are not in hwmon as well.

    Linux copies most of them there: a chip with the zones' type as its name, and temp1, temp2... for the zones of that
    type in turn. The others are given the same names: the N of thermal_zoneN can change at each boot.
    """
    seen: dict[str, int] = defaultdict(int)
    for folder in _numbered(base, "thermal_zone"):
        kind = read_text(f"{base}/{folder}/type") or "thermal"
        chip = kind.replace("-", "_")  # as in hwmon
        seen[chip] += 1
        place = f"temp{seen[chip]}"
        if place in chips.get(chip, ()) or kind == _MADE_UP:
            continue
        if kind == _PACKAGE and _CORES in chips and seen[chip] <= chips[_CORES]["temp1"]:
            continue
        if (celsius := _celsius(f"{base}/{folder}/temp", degrees=True)) is not None:
            yield Sensor(chip, folder, "", place, "", celsius, zone=True)


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


def _numbered(base: str, prefix: str) -> list[str]:
    """Return the folders called ``prefix`` and a number, in the order of their numbers."""
    found = [name for name in _files(base) if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()]
    return sorted(found, key=lambda name: (len(name), name))


def _inputs(files: Iterable[str]) -> list[str]:
    return sorted(found[1] for name in files if (found := _INPUT(name)))


def _files(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()
