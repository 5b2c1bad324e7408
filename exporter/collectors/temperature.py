"""Temperatures, on machines with sensors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauges
from exporter.sources.host import LINUX, printable
from exporter.sources.sensors import Sensor, read_sensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor, in degrees Celsius."""

    chip: str
    sensor: str
    celsius: float | None


@dataclass(frozen=True, slots=True)
class Temperatures:
    """All sensors, sorted by chip and sensor; each pair of names occurs once."""

    sensors: tuple[Temperature, ...]


def read(machine: Machine, _baseline: Snapshot | None) -> Temperatures | None:
    """Read /sys/class/hwmon, and from /sys/class/thermal what that does not have; psutil outside Linux."""
    if LINUX:
        found = read_sensors(machine.host.sys)
    elif hasattr(psutil, "sensors_temperatures"):  # FreeBSD; macOS and Windows have no such call
        found = [
            Sensor(chip, "", "", f"temp{number}", sensor.label, sensor.current)
            for chip, sensors in psutil.sensors_temperatures().items()
            for number, sensor in enumerate(sensors, 1)
            if sensor.current is not None
        ]
    else:
        return None
    named = sorted(zip(_names(found), found, strict=True), key=lambda each: each[0])
    return Temperatures(tuple(Temperature(*names, sensor.celsius) for names, sensor in named)) if named else None


def metrics(section: Temperatures) -> Iterable[Metric]:
    """Return the temperature family."""
    yield from gauges(
        "host_temperature_celsius",
        "Temperature reported by the sensor.",
        ("chip", "sensor"),
        [((sensor.chip, sensor.sensor), sensor.celsius) for sensor in section.sensors],
    )


def _names(sensors: Sequence[Sensor]) -> list[tuple[str, str]]:
    """Return a chip and a sensor for each, no pair twice, and the same after each boot where that can be."""
    chips = _chips(sensors)
    names = [(printable(chips[each.chip, each.folder]), printable(each.label or each.number)) for each in sensors]
    # Two sensors of one label are told apart by their number; two chips of one name on one device by the N of hwmonN.
    for place in ("number", "folder"):
        count = Counter(names)
        names = [
            (chip, f"{sensor} {getattr(each, place)}".strip()) if count[chip, sensor] > 1 else (chip, sensor)
            for (chip, sensor), each in zip(names, sensors, strict=True)
        ]
    return names


def _chips(sensors: Iterable[Sensor]) -> dict[tuple[str, str], str]:
    """Return a name for each chip, by its own name and its folder.

    Two SSDs are both called "nvme". The N of hwmonN can change at each boot; the device's name does not. So as much of
    the device's path is added as it takes to tell them apart. Zones of one type are one chip.
    """
    names = {(each.chip, each.folder): each.chip for each in sensors}
    places: dict[str, dict[str, list[str]]] = {}
    for each in sensors:
        if not each.zone:
            places.setdefault(each.chip, {})[each.folder] = (each.device or each.folder).split("/")
    for chip, folders in places.items():
        if len(folders) > 1:
            lengths = range(1, max(map(len, folders.values())) + 1)
            most = max(lengths, key=lambda length: _apart(folders.values(), length))
            names |= {(chip, folder): f"{chip} {'/'.join(parts[-most:])}" for folder, parts in folders.items()}
    return names


def _apart(paths: Iterable[Sequence[str]], length: int) -> int:
    """Return how many of the paths still differ if only their last parts are shown."""
    return len({tuple(parts[-length:]) for parts in paths})
