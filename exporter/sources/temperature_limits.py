"""The temperatures at which a sensor's hardware is too hot, as the hardware says, and its alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.host import listed, read_int, read_text

if TYPE_CHECKING:
    from exporter.sources.sensors import Sensor

LOWEST, HIGHEST = 40.0, 200.0
"""Degrees Celsius. What is outside is no limit: 0 and 255 are registers that nobody has set, 65,261.85 is an SSD that
has none, and the firmware of many boards calls 20.8 °C critical."""

MARGIN = 5.0
"""Degrees below the critical limit at which a chip is too hot whose own "max" is no limit."""

_TARGETS = ("coretemp", "spd5118")
"""Chips whose "max" is where the fans should run (a processor), or a default that warm memory passes (DDR5)."""

STICKY = "coretemp"
"""The chip whose alarm tells of the time since the machine was booted: it never ends by itself."""


class Limits(NamedTuple):
    """Degrees Celsius, None where the hardware gives none. A warning limit is below the critical one."""

    warning: float | None = None
    critical: float | None = None


def sensible(warning: float | None, critical: float | None) -> Limits:
    """Return those limits that can be true."""
    warning, critical = _possible(warning), _possible(critical)
    if warning is not None and critical is not None and warning >= critical:
        warning = None
    return Limits(warning, critical)


def read_limits(sensor: Sensor) -> Limits:
    """Read the limits of one sensor: tempN_max, tempN_crit, and the trip points of its thermal zone."""
    warning, critical = _trips(sensor.zone) if sensor.zone else (None, None)
    if (chip := sensor.of) is not None:
        path = f"{chip.place}/{sensor.number}"
        files = chip.files
        if f"{sensor.number}_crit" in files:
            critical = _possible(_degrees(f"{path}_crit")) or critical
        if _is_target(sensor):
            warning = critical - MARGIN if critical else None
        elif f"{sensor.number}_max" in files:
            warning = _possible(_degrees(f"{path}_max")) or warning
    return sensible(warning, critical)


def alarms(sensor: Sensor) -> list[str]:
    """Return the files of a sensor that say whether its chip raises an alarm because it is too hot.

    Left out are alarms at a limit that is none.
    """
    chip = sensor.of
    if chip is None:
        return []
    names = ("crit_alarm", "emergency_alarm", *(() if _is_target(sensor) else ("alarm", "max_alarm")))
    found = [f"{sensor.number}_{name}" for name in names if f"{sensor.number}_{name}" in chip.files]
    limits = [name for name in ("max", "crit", "emergency") if f"{sensor.number}_{name}" in chip.files]
    if limits and all(_possible(_degrees(f"{chip.place}/{sensor.number}_{name}")) is None for name in limits):
        return []
    return [f"{chip.place}/{name}" for name in found]


def _is_target(sensor: Sensor) -> bool:
    return sensor.of is not None and (sensor.of.name in _TARGETS or sensor.of.has_defaults())


def _trips(zone: str) -> Limits:
    """Return the limits of a thermal zone.

    Linux switches the machine off at "critical". From "passive" on it slows the processor down; the highest of several
    is where that has not been enough. "hot" is only reported.
    """
    found: dict[str, float] = {}
    for name in listed(zone):
        if name.startswith("trip_point_") and name.endswith("_type"):
            kind = read_text(f"{zone}/{name}") or ""
            celsius = _possible(_degrees(f"{zone}/{name.removesuffix('type')}temp"))
            if celsius is not None:
                found[kind] = (
                    min(found.get(kind, celsius), celsius)
                    if kind == "critical"
                    else max(found.get(kind, celsius), celsius)
                )
    return sensible(found.get("hot", found.get("passive")), found.get("critical"))


def _degrees(path: str) -> float | None:
    figure = read_int(path)
    return None if figure is None else figure / 1000


def _possible(celsius: float | None) -> float | None:
    return celsius if celsius is not None and LOWEST <= celsius <= HIGHEST else None
