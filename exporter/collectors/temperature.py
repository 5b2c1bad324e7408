"""Temperatures, on machines with sensors, and the limits that the hardware sets itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import psutil

from exporter.families import gauges
from exporter.findings import Finding, degrees
from exporter.model import hidden
from exporter.plausible import COLDEST, HOTTEST
from exporter.sources.host import LINUX, read_flag
from exporter.sources.hwmon import told_apart
from exporter.sources.sensors import Sensor, read_sensors
from exporter.sources.temperature_limits import STICKY, Limits, alarms, read_limits, sensible
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

EVERY = 30.0
"""Seconds for which limits and alarms are kept: they are two to four files a sensor, and limits hardly ever change."""

LABELS = ("chip", "sensor")


class Known(NamedTuple):
    """What is read of a sensor every half a minute, in ``folder`` under ``number``."""

    folder: str
    number: str
    limits: Limits = Limits()
    alarm: bool | None = None


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor, and its hardware's own limits where it has any, in degrees Celsius.

    ``alarm`` says whether its chip raises an alarm, None if it has none to raise.
    """

    chip: str
    sensor: str
    celsius: float | None
    warning_celsius: float | None = None
    critical_celsius: float | None = None
    alarm: bool | None = None

    @property
    def subject(self) -> str:
        """What a finding calls it."""
        return f"{self.chip} {self.sensor}"

    def limits(self) -> dict[Level, float]:
        """Return the limits that the sensor has, by level, lowest first."""
        both = ((Level.WARNING, self.warning_celsius), (Level.CRITICAL, self.critical_celsius))
        return {level: limit for level, limit in both if limit is not None}

    @property
    def next_limit_celsius(self) -> float | None:
        """The limit that it reaches next or, if there is none above, the highest that it has reached."""
        limits = list(self.limits().values())
        return next(
            (limit for limit in limits if self.celsius is None or self.celsius < limit), max(limits, default=None)
        )

    def alarmed(self) -> bool:
        """Return whether its chip says that it is too hot now, not only that it has been since the machine booted."""
        return self.alarm is True and self.chip.split(" ")[0] != STICKY

    def level(self) -> Level:
        """Return how hot it is. The chip decides where it has no limits; else an alarm is a warning at least."""
        reached = [
            level for level, limit in self.limits().items() if self.celsius is not None and self.celsius >= limit
        ]
        if self.alarmed():
            reached.append(Level.WARNING if self.critical_celsius is not None else Level.CRITICAL)
        return max(reached, default=Level.OK)


@dataclass(frozen=True, slots=True)
class Temperatures:
    """All sensors, sorted by chip and sensor; each pair of names occurs once.

    ``kept`` holds limits and alarms as read at ``kept_at`` (``time.monotonic``).
    """

    sensors: tuple[Temperature, ...]
    kept_at: float = hidden(0.0)
    kept: tuple[Known, ...] = hidden(())


def read(machine: Machine, baseline: Snapshot | None) -> Temperatures | None:
    """Read /sys/class/hwmon, and from /sys/class/thermal what that does not have; psutil outside Linux."""
    if LINUX:
        found = read_sensors(machine.host.sys)
        at, kept = _kept(found, baseline.section(Temperatures) if baseline else None)
    elif hasattr(psutil, "sensors_temperatures"):  # FreeBSD; macOS and Windows have no such call
        known = [
            (Sensor(chip, "", f"temp{number}", sensor.label, sensor.current), sensor)
            for chip, sensors in psutil.sensors_temperatures().items()
            for number, sensor in enumerate(sensors, 1)
            if sensor.current is not None
        ]
        found = [row for row, _ in known]
        at, kept = 0.0, tuple(Known(row.chip, row.number, sensible(it.high, it.critical)) for row, it in known)
    else:
        return None
    names = told_apart([(each.chip, each.label, each.number, each.folder) for each in found])
    limits = {each[:2]: each for each in kept}
    rows = [_temperature(*name, each, limits) for name, each in zip(names, found, strict=True)]
    return Temperatures(tuple(sorted(rows, key=lambda each: (each.chip, each.sensor))), at, kept) if rows else None


def metrics(section: Temperatures) -> Iterable[Metric]:
    """Return the temperature families."""
    rows = [((sensor.chip, sensor.sensor), sensor) for sensor in section.sensors]
    yield from gauges(
        "host_temperature_celsius",
        "Temperature reported by the sensor.",
        LABELS,
        [(k, each.celsius) for k, each in rows],
    )
    yield from gauges(
        "host_temperature_limit_celsius",
        "Temperature at which the sensor's hardware is too hot, as it says itself; absent if it does not.",
        (*LABELS, "severity"),
        [((*k, str(level)), limit) for k, each in rows for level, limit in each.limits().items()],
    )
    yield from gauges(
        "host_temperature_alarm",
        "1 if the sensor's chip raises an alarm because it is too hot; that of coretemp lasts until the next boot.",
        LABELS,
        [(k, each.alarm) for k, each in rows],
    )


def findings(section: Temperatures, _thresholds: Thresholds) -> Iterable[Finding]:
    """Compare each sensor with its hardware's own limits."""
    for each in section.sensors:
        if level := each.level():
            said = _reason(each, level)
            yield Finding("HostTooHot", level, "Temperature of", each.subject, reason=said, culprits="cpu")


def _reason(each: Temperature, level: Level) -> str:
    limit = each.limits().get(level)
    said = "" if each.celsius is None else f"is {degrees(each.celsius)}\u00a0°C"
    if limit is not None and each.celsius is not None and each.celsius >= limit:
        return f"{said} ({level} at {degrees(limit)}\u00a0°C)"
    return f"{said} (its chip raises an alarm)".lstrip()


def _temperature(chip: str, sensor: str, each: Sensor, kept: Mapping[tuple[str, str], Known]) -> Temperature:
    if not COLDEST <= each.celsius <= HOTTEST:  # to be dropped: what lies about its temperature has no limits either
        return Temperature(chip, sensor, each.celsius)
    known = kept[each.folder or each.chip, each.number]
    return Temperature(chip, sensor, each.celsius, *known.limits, known.alarm)


def _kept(sensors: Sequence[Sensor], before: Temperatures | None) -> tuple[float, tuple[Known, ...]]:
    """Return the limits and alarms of these sensors, and when they were read: before, unless that is too long ago."""
    now = time.monotonic()
    if before and now - before.kept_at < EVERY:
        known = {each[:2] for each in before.kept}
        if all((each.folder, each.number) in known for each in sensors):
            return before.kept_at, before.kept
    return now, tuple(_read(sensors))


def _read(sensors: Sequence[Sensor]) -> Iterator[Known]:
    packages = {each.folder for each in sensors if each.label.startswith("Package id")}
    for each in sensors:
        if each.folder in packages and each.label.startswith("Core "):
            # The package is as hot as its hottest core and has their limits. One alert, not one a core.
            yield Known(each.folder, each.number)
            continue
        said = [flag for path in alarms(each) if (flag := read_flag(path)) is not None]
        alarm = any(said) if said else None
        yield Known(each.folder, each.number, read_limits(each), alarm)
