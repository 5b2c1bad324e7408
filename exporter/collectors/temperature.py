"""Temperatures, on machines with sensors."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from glob import escape, glob
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauges
from exporter.sources.host import LINUX, printable, read_int, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    """Read /sys/class/hwmon, or /sys/class/thermal if that has no sensors; psutil outside Linux."""
    if LINUX:
        found = list(_hwmon(machine.host.sys)) or list(_thermal_zones(machine.host.sys))
    elif hasattr(psutil, "sensors_temperatures"):  # FreeBSD; macOS and Windows have no such call
        found = [
            (chip, sensor.label or f"temp{number}", sensor.current)
            for chip, sensors in psutil.sensors_temperatures().items()
            for number, sensor in enumerate(sensors, 1)
            if sensor.current is not None
        ]
    else:
        return None
    unique = {(printable(chip), printable(sensor)): celsius for chip, sensor, celsius in found}
    sensors = tuple(Temperature(*names, celsius) for names, celsius in sorted(unique.items()))
    return Temperatures(sensors) if sensors else None


def metrics(section: Temperatures) -> Iterable[Metric]:
    """Return the temperature family."""
    yield from gauges(
        "host_temperature_celsius",
        "Temperature reported by the sensor.",
        ("chip", "sensor"),
        [((sensor.chip, sensor.sensor), sensor.celsius) for sensor in section.sensors],
    )


def _hwmon(sys: str) -> Iterator[tuple[str, str, float]]:
    folders = sorted(glob(f"{escape(sys)}/class/hwmon/hwmon*"))
    names = {folder: read_text(f"{folder}/name") or os.path.basename(folder) for folder in folders}
    count = Counter(names.values())
    for folder, name in names.items():
        # Two SSDs are both called "nvme". The N of hwmonN can change at each boot; the device's name does not.
        device = f"{folder}/device"
        place = os.path.basename(os.path.realpath(device) if os.path.exists(device) else folder)
        chip = name if count[name] == 1 else f"{name} {place}"
        inputs = sorted(glob(f"{escape(folder)}/temp*_input"))
        labels = {path: read_text(path.removesuffix("_input") + "_label") for path in inputs}
        for path, label in labels.items():
            # Unreadable: a sleeping disk, or a sensor that is not connected.
            if (millidegrees := read_int(path)) is not None:
                number = os.path.basename(path).removesuffix("_input")
                twice = sum(other == label for other in labels.values()) > 1
                yield chip, f"{label} {number}" if label and twice else label or number, millidegrees / 1000


def _thermal_zones(sys: str) -> Iterator[tuple[str, str, float]]:
    for folder in sorted(glob(f"{escape(sys)}/class/thermal/thermal_zone*")):
        if (millidegrees := read_int(f"{folder}/temp")) is not None:
            yield read_text(f"{folder}/type") or "thermal", os.path.basename(folder), millidegrees / 1000
