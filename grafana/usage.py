"""Panels of Host: what the processors and the memory did, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import over_time, rows, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries


def cpu_by_mode() -> timeseries.Panel:
    """Return what the processors did."""
    seconds = "host_cpu_seconds_total"

    def share(modes: str) -> str:
        part = select_one(seconds, f'mode=~"{modes}"')
        return f"sum(rate({part}[$__rate_interval])) / scalar(sum(rate({select_one(seconds)}[$__rate_interval])))"

    panel = panels.graph(
        "CPU by mode",
        "Share of all CPUs by what they do. Good: mostly user. Much system: many small calls or interrupts; much "
        'waiting for disks: see "Disk busy"; anything taken by the hypervisor: the virtual machine gets less '
        "than it was promised. The dashed lines are this machine's limits; waiting does not count towards them.",
        style.RATIO,
        over_time(share("user|nice"), "user", "A"),
        over_time(share("system|irq|softirq|interrupt|dpc"), "system", "B"),
        over_time(share("steal"), "taken by the hypervisor", "C"),
        over_time(share("iowait"), "waiting for disks", "D"),
        *panels.limit_lines("cpu"),
    )
    panel = panels.dashed(panels.stacked(panel), "warning from", "critical from")
    return panel.max(1).decimals(0).legend(style.legend("mean", "max"))


def _top(metric: str, *best: tuple[int, str]) -> str:
    """Return the series of the programs that were first in the chosen time, the same ones at every moment of it.

    ``best`` is how many by which function over that time.
    """
    series = select_one(metric)
    first = " or ".join(f"topk({count}, {function}({series}[$__range] @ end()))" for count, function in best)
    return f"{series} and on (job, instance, name) ({first})"


def top_by_cpu() -> timeseries.Panel:
    """Return the programs that used most CPU, over time."""
    panel = panels.graph(
        "Top processes by CPU",
        "The programs that used most CPU in the chosen time, and those with the highest peaks; all processes of one "
        "name together, 1 is one core busy. Good: names that you know. This is who ate it at 3 a.m.; what to do: "
        'runbook HostHighCpu. Means over all of the time stand in "Programs in this time".',
        style.COUNT,
        over_time(_top("host_top_process_cpu_cores", (5, "sum_over_time"), (3, "max_over_time")), "{{name}}"),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)  # of a program that was seen once there is no line
    return panels.stacked(panel).decimals(2).legend(style.legend("max", sort="Max"))


def memory() -> timeseries.Panel:
    """Return memory and swap."""
    total = select_one("host_memory_total_bytes")
    panel = panels.graph(
        "Memory and swap",
        "Memory and swap in use, caches not counted. Good: below the dashed limits, swap near 0 or steady. Swap "
        "that grows while memory is full: the machine is slow now and ends programs soon.",
        style.BYTES,
        over_time(select_one("host_memory_used_bytes"), "used", "A"),
        over_time(select_one("host_swap_used_bytes"), "swap used", "B"),
        over_time(total, "total", "C"),
        *panels.limit_lines("memory", total),
    )
    return panels.dashed(panel, "total", "warning from", "critical from").legend(style.legend("mean", "max"))


def top_by_memory() -> timeseries.Panel:
    """Return the programs that held most memory, over time."""
    panel = panels.graph(
        "Top processes by memory",
        "The programs that held most memory in the chosen time; all processes of one name together, pages that "
        "they share counted in each. Good: flat. A line that only rises is a leak; what to do: runbook "
        "HostHighMemory.",
        style.BYTES,
        over_time(_top("host_top_process_memory_bytes", (8, "max_over_time")), "{{name}}"),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)
    return panels.stacked(panel).legend(style.legend("mean", "max", sort="Max"))


def programs() -> table.Panel:
    """Return the programs of the whole time, those that used most first."""
    cpu, memory = select_one("host_top_process_cpu_cores"), select_one("host_top_process_memory_bytes")
    # Over all scrapes of the time, also those in which the program was not among the first.
    scrapes = f"scalar(max(count_over_time({select_one('up')}[$__range])))"
    panel = panels.list_of(
        "Programs in this time",
        "Every program that was among the first in the chosen time, with those that used most CPU at the top, "
        "also when they are long gone. Good: names that you know. Zoom into a peak, and the first line is the "
        "one to blame.",
        rows(f"sort_desc(sum by (name) (sum_over_time({cpu}[$__range])) / {scrapes})", "A"),
        rows(f"max by (name) (max_over_time({cpu}[$__range]))", "B"),
        rows(f"max by (name) (max_over_time({memory}[$__range]))", "C"),
    )
    panel = panel.with_transformation(
        style.columns(
            {"name": "Program", "Value #A": "CPU, mean", "Value #B": "CPU, most", "Value #C": "Memory, most"}, ["Time"]
        )
    )
    for name in ("CPU, mean", "CPU, most"):
        panel = panel.override_by_name(name, [style.property_of("unit", style.COUNT), style.property_of("decimals", 2)])
    panel = panel.override_by_name("Memory, most", [style.property_of("unit", style.BYTES)])
    return panel.sort_by([panels.sorted_by("CPU, mean")])
