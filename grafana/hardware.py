"""Panels of Host: temperatures, fans, throttling and memory errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import timeseries

SENSOR = "job, instance, chip, sensor"


def temperatures() -> timeseries.Panel:
    """Return the sensor that came closest to its limit, with that limit, and the hottest others."""
    series = select_one("host_temperature_celsius")
    hottest = style.in_range("max_over_time", series)
    limit = select_one("host_temperature_limit_celsius")
    closest = f"(max by ({SENSOR}) ({hottest}) - on ({SENSOR}) min by ({SENSOR}) ({limit}))"
    lines = [
        select_one("host_temperature_limit_celsius", f'severity="{each}"') + f" and on ({SENSOR}) topk(1, {closest})"
        for each in ("warning", "critical")
    ]
    panel = panels.graph(
        "Temperatures",
        "The sensor that came closest to its hardware's own limits in this period, these as dashed lines, and the two "
        "hottest others. Good: well below the lines. Rising over weeks: dust. Near its limit a processor slows down.",
        style.CELSIUS,
        *style.ranked(series, SENSOR, "{{chip}} {{sensor}}", "A", (1, closest), (2, hottest)),
        over_time(lines[0], "warning limit", "X"),
        over_time(lines[1], "critical limit", "Y"),
    )
    panel = panel.legend(style.legend("mean", "max", sort="Max", beside=True)).fill_opacity(0)
    return panels.dashed(panel, "warning limit", "critical limit")


def fans() -> timeseries.Panel:
    """Return the speed of the fans."""
    series = select_one("host_fan_rpm")
    panel = panels.graph(
        "Fans",
        "Speed of the fans, the five fastest. Good: follows the temperatures. 0 may be meant, as many fans stand "
        "still until they are needed; one that stands still while it gets hot has failed.",
        style.RPM,
        *style.ranked(series, SENSOR, "{{chip}} {{sensor}}", "A", (5, style.in_range("max_over_time", series))),
    )
    return panel.legend(style.legend("min", "max", beside=True)).fill_opacity(0)


def faults() -> timeseries.Panel:
    """Return how often processors slowed down because of heat, and the memory's errors."""

    def counted(metric: str, matcher: str) -> str:
        return f"increase({select_one(metric, matcher)}[$__rate_interval])"

    panel = panels.graph(
        "Throttling and memory errors",
        "Times that a processor slowed down because of heat, and errors that memory with error correction (ECC) has "
        "found. Good: 0. Slowed down: see Temperatures and Fans. A few corrected errors are normal; one that could not "
        "be corrected is the reason to replace the module.",
        style.COUNT,
        over_time(counted("host_cpu_throttles_total", 'scope="package"'), "processors slowed down", "A"),
        over_time(counted("host_cpu_throttles_total", 'scope="core"'), "cores slowed down", "B"),
        over_time(counted("host_memory_errors_total", 'kind="corrected"'), "corrected", "C"),
        over_time(counted("host_memory_errors_total", 'kind="uncorrected"'), "uncorrected errors", "D"),
    )
    return panel.axis_soft_max(1).legend(style.legend("max", beside=True))
