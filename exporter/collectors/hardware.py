"""Fans, voltages, throttling of the processor and errors of the memory (Linux)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.families import counters, gauges
from exporter.findings import Finding
from exporter.model import hidden
from exporter.sources.edac import read_errors
from exporter.sources.fans import read_fans
from exporter.sources.host import LINUX
from exporter.sources.hwmon import told_apart
from exporter.sources.proc_stat import read_uptime
from exporter.sources.throttling import read_throttles
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.fans import Input
    from exporter.thresholds import Thresholds

LABELS = ("chip", "sensor")
RASPBERRY = "rpi_volt"
"""The chip of a Raspberry Pi that says whether its power supply is too weak."""
MANY, PERIOD = 25, 6 * 3600.0
"""Corrected errors of the memory, in so many seconds, that are a warning; the same as in HostMemoryErrors."""


@dataclass(frozen=True, slots=True)
class Fan:
    """One fan; 0 may be meant, as many stand still until they are needed. ``alarm`` is its chip's, None if unknown."""

    chip: str
    sensor: str
    rpm: float | None
    alarm: bool | None = None

    @property
    def subject(self) -> str:
        """What a finding calls it."""
        return f"{self.chip} {self.sensor}"


@dataclass(frozen=True, slots=True)
class Voltage:
    """One voltage, None where the chip has nothing but an alarm."""

    chip: str
    sensor: str
    volts: float | None
    alarm: bool | None = None

    @property
    def subject(self) -> str:
        """What a finding calls it."""
        return f"{self.chip} {self.sensor}"


@dataclass(frozen=True, slots=True)
class MemoryModule:
    """A memory module that has had errors since boot."""

    name: str
    corrected_errors: float | None
    uncorrected_errors: float | None


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the machine says about its own parts. Counts are since boot, None where nothing counts them."""

    fans: tuple[Fan, ...] = ()
    voltages: tuple[Voltage, ...] = ()
    core_throttles: float | None = None
    package_throttles: float | None = None
    corrected_errors: float | None = None
    uncorrected_errors: float | None = None
    modules: tuple[MemoryModule, ...] = ()
    up_seconds: float | None = hidden(None)

    def often_corrected(self) -> float:
        """Return the corrected errors in 6 hours on average since boot, those since boot if that was later.

        0 if there are too few for a warning. Prometheus, which remembers the count of 6 hours ago, may know of more.
        """
        if self.corrected_errors is None or self.up_seconds is None:
            return 0.0
        average = self.corrected_errors / max(self.up_seconds / PERIOD, 1.0)
        return average if average >= MANY else 0.0


def read(machine: Machine, _baseline: Snapshot | None) -> Hardware | None:
    """Read hwmon, thermal_throttle and edac below /sys; None if the machine has none of them."""
    if not LINUX:
        return None
    fans, voltages = read_fans(machine.host.sys)
    errors = read_errors(machine.host.sys)
    section = Hardware(
        tuple(sorted((Fan(*name, it.figure, it.alarm) for name, it in _named(fans)), key=_order)),
        tuple(sorted((Voltage(*name, it.figure, it.alarm) for name, it in _named(voltages)), key=_order)),
        *read_throttles(machine.host.sys),
        errors.corrected,
        errors.uncorrected,
        tuple(MemoryModule(it.name, it.corrected, it.uncorrected) for it in errors.modules),
    )
    if section == Hardware():
        return None
    return replace(section, up_seconds=read_uptime(machine.host)) if section.corrected_errors else section


def metrics(section: Hardware) -> Iterable[Metric]:
    """Return the families of fans, voltages, throttling and memory errors."""
    fans = [((it.chip, it.sensor), it) for it in section.fans]
    voltages = [((it.chip, it.sensor), it) for it in section.voltages]
    yield from gauges(
        "host_fan_rpm", "Revolutions a minute; 0 may be meant.", LABELS, [(key, it.rpm) for key, it in fans]
    )
    yield from gauges(
        "host_fan_alarm",
        "1 if the fan's chip raises an alarm; absent if it has no limit to compare with.",
        LABELS,
        [(key, it.alarm) for key, it in fans],
    )
    yield from gauges(
        "host_voltage_volts", "Voltage that the chip measures.", LABELS, [(key, it.volts) for key, it in voltages]
    )
    yield from gauges(
        "host_voltage_alarm",
        "1 if the voltage is outside its limits as the chip says, on a Raspberry Pi if it has been in the last 2 s.",
        LABELS,
        [(key, it.alarm) for key, it in voltages],
    )
    yield from counters(
        "host_cpu_throttles_total",
        "Times since boot that processors slowed down because of heat: all cores, or all packages together.",
        ("scope",),
        [(("core",), section.core_throttles), (("package",), section.package_throttles)],
    )
    yield from counters(
        "host_memory_errors_total",
        "Errors since boot that memory with error correction (ECC) has found.",
        ("kind",),
        [(("corrected",), section.corrected_errors), (("uncorrected",), section.uncorrected_errors)],
    )


def findings(section: Hardware, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield the alarms of the chips, which are their own judgement, and memory that has lost data."""
    for fan in section.fans:
        if fan.alarm:
            said = "raises an alarm" if fan.rpm is None else f"raises an alarm at {fan.rpm:.0f}\u00a0rpm"
            yield Finding("HostFanFailed", Level.WARNING, "Fan", fan.subject, reason=said)
    for each in section.voltages:
        if each.alarm:
            volts = "" if each.volts is None else f": {each.volts:.2f}\u00a0V"
            said = (
                f"is outside its limits{volts}"
                if each.chip != RASPBERRY
                else "is too low: the power supply is too weak"
            )
            yield Finding("HostVoltageWrong", Level.WARNING, "Voltage", each.subject, reason=said)
    if count := section.uncorrected_errors:
        where = ", ".join(it.name for it in section.modules if it.uncorrected_errors)
        errors = "1 error" if count == 1 else f"{count:.0f} errors"
        reason = f"has had {errors} since boot that could not be corrected{f' ({where})' if where else ''}"
        yield Finding("HostMemoryErrors", Level.CRITICAL, "Memory", reason=reason)
    if often := section.often_corrected():
        where = ", ".join(it.name for it in section.modules if it.corrected_errors)
        reason = f"has had {often:.0f} errors corrected in 6 hours (limit {MANY}){f': {where}' if where else ''}"
        yield Finding("HostMemoryErrors", Level.WARNING, "Memory", reason=reason)


def _named(inputs: Sequence[Input]) -> Iterable[tuple[tuple[str, str], Input]]:
    names = told_apart([(each.chip, each.label, each.number, each.folder) for each in inputs])
    return zip(names, inputs, strict=True)


def _order(row: Fan | Voltage) -> tuple[str, str]:
    return row.chip, row.sensor
