"""The chips of /sys/class/hwmon on Linux: their names, and the files of their sensors."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.sources.host import listed, printable, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SENSOR = re.compile(r"(?:temp|fan|in)\d+_").match
_INPUT = re.compile(r"(?:temp|fan|in)\d+_input").fullmatch

_DEFAULTS = ("nct6", "w83", "it8", "it9", "f71", "f81", "sch5", "dme1737", "smsc")
"""How the names of Super I/O chips begin. They wake up with limits of their own, and few boards set others."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip. ``name`` is the driver's and need not be unique, ``title`` is.

    ``folder`` is "hwmon3"; ``device`` the path of the device that the chip sits on, "" if it has none; ``place`` the
    folder that holds ``files``.
    """

    name: str
    folder: str
    device: str
    place: str
    files: frozenset[str]
    title: str = ""

    def has_defaults(self) -> bool:
        """Return whether the chip comes up with limits that mean nothing on the board it sits on."""
        return self.name.startswith(_DEFAULTS)

    def wakes_at_random(self) -> bool:
        """Return whether those limits are not even the same after each power-on."""
        return self.name.startswith("w83")

    def numbers(self, pattern: str) -> list[str]:
        """Return the sensors ("fan1") of whose file names the pattern's first group is the whole."""
        match = re.compile(pattern).fullmatch
        return sorted({found[1] for name in self.files if (found := match(name))})

    def label(self, number: str) -> str:
        """Return the driver's name for a sensor, "" if it has none."""
        return (read_text(f"{self.place}/{number}_label") or "") if f"{number}_label" in self.files else ""


def read_chips(sys: str) -> list[Chip]:
    """Return the chips that have sensors, in the order of their numbers."""
    base, chips, read = f"{sys}/class/hwmon", [], set()
    for folder in numbered(base, "hwmon"):
        link = f"{base}/{folder}/device"
        device = os.path.realpath(link) if os.path.islink(link) else ""
        name = read_text(f"{base}/{folder}/name") or read_text(f"{link}/name") or folder
        place, files = f"{base}/{folder}", frozenset(listed(f"{base}/{folder}"))
        if not any(map(_INPUT, files)) and (device or link) not in read:
            older = frozenset(listed(link))  # drivers older than Linux 3.14 have their files in the device
            if any(map(_INPUT, older)) or not any(map(_SENSOR, files)):
                place, files = link, older
        read.add(device or link)
        chips.append(Chip(name, folder, device, place, files))
    titles = _titles(each for each in chips if any(map(_SENSOR, each.files)))
    return [replace(each, title=titles.get(each.folder, each.name)) for each in chips]


def told_apart(sensors: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, str]]:
    """Return a chip and a sensor for each (title, label, number, folder); no pair twice.

    They are the same after each boot where that can be.
    """
    names = [(printable(title), printable(label or number)) for title, label, number, _ in sensors]
    # Two sensors of one label are told apart by their number; two chips of one name on one device by the N of hwmonN.
    for place in (2, 3):
        count = Counter(names)
        names = [
            (chip, f"{sensor} {each[place]}".strip()) if count[chip, sensor] > 1 else (chip, sensor)
            for (chip, sensor), each in zip(names, sensors, strict=True)
        ]
    return names


def numbered(base: str, prefix: str) -> list[str]:
    """Return the folders called ``prefix`` and a number, in the order of their numbers."""
    found = [name for name in listed(base) if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()]
    return sorted(found, key=lambda name: (len(name), name))


def _titles(chips: Iterable[Chip]) -> dict[str, str]:
    """Return a name for each chip, by its folder.

    Two SSDs are both called "nvme". The N of hwmonN can change at each boot; the device's name does not. So as much of
    the device's path is added as it takes to tell them apart. A chip whose sensors cannot be read now, because it
    sleeps, counts as well: the other one's name must not change meanwhile.
    """
    titles: dict[str, str] = {}
    places: dict[str, dict[str, list[str]]] = {}
    for each in chips:
        places.setdefault(each.name, {})[each.folder] = (each.device or each.folder).split("/")
    for name, folders in places.items():
        if len(folders) > 1:
            lengths = range(1, max(map(len, folders.values())) + 1)
            most = max(lengths, key=lambda length: _apart(folders.values(), length))
            titles |= {folder: f"{name} {'/'.join(parts[-most:])}" for folder, parts in folders.items()}
    return titles


def _apart(paths: Iterable[Sequence[str]], length: int) -> int:
    """Return how many of the paths still differ if only their last parts are shown."""
    return len({tuple(parts[-length:]) for parts in paths})
