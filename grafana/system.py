"""Panels of Host: load, pressure, processes, battery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import timeseries


def load() -> timeseries.Panel:
    """Return the load averages."""
    panel = panels.graph(
        "Load",
        "Programs that are running, or waiting for a CPU or a disk, averaged over 1, 5 and 15 minutes. Good: below "
        "the dashed line, the number of CPUs. 1 min above 15 min: load is rising. Below: it is falling.",
        style.COUNT,
        over_time(select_one("host_load1"), "1 min", "A"),
        over_time(select_one("host_load5"), "5 min", "B"),
        over_time(select_one("host_load15"), "15 min", "C"),
        over_time(select_one("host_logical_cpus"), "CPUs", "D"),
    )
    return panels.dashed(panel, "CPUs").fill_opacity(0)


def pressure() -> timeseries.Panel:
    """Return how long programs waited for resources."""
    return panels.graph(
        "Pressure",
        "Share of the time in which at least one program waited for CPU, memory or disks (Linux PSI). Good: below 10 "
        "%. Memory above 0 for minutes: too little memory. io: the disks are too slow for the load.",
        style.RATIO,
        over_time(f"rate({select_one('host_pressure_waiting_seconds_total')}[$__rate_interval])", "{{resource}}"),
    )


def processes() -> timeseries.Panel:
    """Return processes by state."""
    found = select_one("host_processes")
    panel = panels.graph(
        "Processes",
        "Processes by state, the five most frequent. Good: steady. One state that only rises: something starts "
        "programs and does not end them. Zombies: their parent does not reap them. disk-sleep: a disk or a network "
        "share is not responding.",
        style.COUNT,
        over_time(f"{found} and topk(5, max_over_time({found}[$__range] @ end()))", "{{state}}"),
    )
    return panels.stacked(panel)


def battery() -> timeseries.Panel:
    """Return the charge of the battery."""
    panel = panels.graph(
        "Battery",
        "Charge of all batteries together, and whether the machine is plugged in (1). Good: falls slowly and evenly. "
        "A sudden drop at 30 % means that the battery is worn out. The alert fires at 15 %.",
        style.RATIO,
        over_time(select_one("host_battery_charge_ratio"), "charge", "A"),
        over_time(select_one("host_battery_plugged"), "plugged in", "B"),
    )
    return panels.dashed(panel, "plugged in").max(1).legend(style.legend("lastNotNull", "min"))
