"""Panels of Host: how CPU and memory are used, and by which programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import over_time, rows, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus, table, timeseries


def cpu_by_mode() -> timeseries.Panel:
    """Return the CPU usage by mode."""
    seconds = "host_cpu_seconds_total"

    def of(modes: str) -> str:
        return select_one(seconds, f'mode=~"{modes}"')

    def share(modes: str) -> str:
        # Not rate(), as in alerts.yml: a counter that falls has been revised, not restarted.
        part, whole = (
            f"sum(clamp_min(delta({each}[$__rate_interval]), 0))" for each in (of(modes), select_one(seconds))
        )
        return f"{part} / scalar({whole})"

    panel = panels.graph(
        "CPU by mode",
        "Share of all CPU time by mode. Good: mostly user. Much system: many small calls or interrupts. Much I/O "
        'wait: see "Disk busy". Any steal: the virtual machine gets less CPU than promised. The dashed lines are this '
        "machine's limits; I/O wait does not count towards them.",
        style.RATIO,
        over_time(share("user|nice"), "user", "A"),
        over_time(share("system|irq|softirq|interrupt|dpc"), "system", "B"),
        over_time(share("steal"), "steal", "C"),
        over_time(share("iowait"), "I/O wait", "D"),
        *panels.limit_lines("cpu"),
    )
    panel = panels.dashed(panels.stacked(panel), "warning limit", "critical limit")
    return panel.max(1).legend(style.legend("mean", "max"))


def cpu_by_core() -> timeseries.Panel:
    """Return how evenly the cores are used: the band that all of them lie in, their mean, and the three busiest.

    Not a heat map with a row per core: 128 rows are a pixel or two each, two rows say less than two lines, and the
    browser would fetch every core's samples at each refresh. What a mean hides is a core at its limit, and that is the
    upper edge of the band on any machine, also while a program moves from core to core.
    """
    cores = select_one("host_cpu_core_usage_ratio")
    panel = panels.graph(
        "CPU by core",
        "The grey band reaches from the idlest core to the busiest; the lines are the mean, and the three cores that "
        "were busiest in this period. Good: a narrow band. If it touches 100 % while the mean is low, a program uses a "
        "whole core and cannot use more; more cores would not help it.",
        style.RATIO,
        over_time(f"min({cores})", "idlest core", "A"),
        over_time(f"max({cores})", "busiest core", "B"),
        over_time(f"avg({cores})", "mean of all cores", "C"),
        *style.ranked(cores, "job, instance, core", "core {{core}}", "D", (3, style.in_range("sum_over_time", cores))),
    )
    edge = [
        style.property_of("custom.lineWidth", 0),
        style.property_of("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False}),
        style.property_of("custom.fillOpacity", 0),
    ]
    inside = [style.property_of("custom.fillBelowTo", "idlest core"), style.property_of("custom.fillOpacity", 20)]
    panel = panel.override_by_name("idlest core", edge).override_by_name("busiest core", [*edge[:2], *inside])
    panel = panel.override_by_name("mean of all cores", [style.property_of("custom.lineWidth", 2)])
    return panel.fill_opacity(0).max(1)


def _top(metric: str, *best: tuple[int, str]) -> list[prometheus.Dataquery]:
    """Return the queries for the top programs in the time range; ``best`` says how many to take by which function."""
    series = select_one(metric)
    chosen = ((count, style.in_range(function, series)) for count, function in best)
    return style.ranked(series, "job, instance, name", "{{name}}", "A", *chosen)


def top_by_cpu() -> timeseries.Panel:
    """Return the programs that used the most CPU, over time."""
    panel = panels.graph(
        "Top processes by CPU",
        "The programs that used the most CPU in this period, and those with the highest peaks, adding up all "
        "processes of a name; 1 is one busy core. Good: names that you know. This is what was busy at 3 a.m.; see "
        'runbook HostHighCpu. "Programs in this period" has the means.',
        style.CORES,
        *_top("host_top_process_cpu_cores", (5, "sum_over_time"), (3, "max_over_time")),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)  # a program seen only once has no line
    return panels.stacked(panel).legend(style.legend("max", sort="Max", beside=True))


def memory() -> timeseries.Panel:
    """Return what memory is used for, as layers that add up to all there is, and swap.

    Two corners are cut so that the layers end at the total: the kernel keeps some free memory for itself, which is no
    program's to get, and Windows does not say what is free, only what is available.
    """
    total = select_one("host_memory_total_bytes")
    available, free = select_one("host_memory_available_bytes"), select_one("host_memory_free_bytes")
    panel = panels.graph(
        "Memory and swap",
        "All memory, from below: used by programs and the kernel; caches and buffers, which programs can get; free. "
        "Good: used below the dashed limits, whatever caches take, and swap near 0 or steady. Swap that grows while "
        "used is high: the machine is slow now, and the kernel will soon kill programs.",
        style.BYTES,
        over_time(select_one("host_memory_used_bytes"), "used", "A"),
        over_time(f"clamp_min({available} - {free}, 0)", "caches", "B"),
        over_time(f"max by (job, instance) (clamp_max({free}, scalar(max({available}))))", "free", "C"),
        over_time(f"{available} unless on (job, instance) {free}", "available", "D"),
        over_time(select_one("host_swap_used_bytes"), "swap used", "E"),
        *panels.limit_lines("memory", total),
    )
    panel = panels.dashed(panels.stacked(panel), "warning limit", "critical limit")
    for name in ("caches", "free", "available"):
        panel = panel.override_by_name(name, [style.property_of("custom.fillOpacity", 15)])
    panel = panel.override_by_name("swap used", panels.beside_the_stack())
    return panel.legend(style.legend("mean", "max", beside=True))


def top_by_memory() -> timeseries.Panel:
    """Return the programs that used the most memory, over time."""
    panel = panels.graph(
        "Top processes by memory",
        "The programs that used the most memory in this period, adding up all processes of a name, with shared pages "
        "counted once. Good: flat. A line that only rises is a leak; see runbook HostHighMemory.",
        style.BYTES,
        *_top("host_top_process_memory_bytes", (8, "max_over_time")),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)
    return panels.stacked(panel).legend(style.legend("max", sort="Max", beside=True))


def programs() -> table.Panel:
    """Return the programs of the whole time range, largest users first."""
    cpu, memory = select_one("host_top_process_cpu_cores"), select_one("host_top_process_memory_bytes")
    # Averaged over all scrapes of the time range, including those in which the program was not at the top.
    scrapes = f"scalar(max(count_over_time({select_one('up')}[$__range])))"
    panel = panels.list_of(
        "Programs in this period",
        "Every program that was at the top in this period, those with the most CPU first, even if they ended long "
        "ago. Good: names that you know. Zoom into a peak, and the first line is the one to blame.",
        rows(f"sort_desc(sum by (name) (sum_over_time({cpu}[$__range])) / {scrapes})", "A"),
        rows(f"max by (name) (max_over_time({cpu}[$__range]))", "B"),
        rows(f"max by (name) (max_over_time({memory}[$__range]))", "C"),
    )
    panel = panel.with_transformation(
        style.columns(
            {"name": "Program", "Value #A": "CPU, mean", "Value #B": "CPU, peak", "Value #C": "Memory, peak"}, ["Time"]
        )
    )
    cores = [style.property_of("unit", style.CORES), style.property_of("decimals", 2), style.width(110)]
    for name in ("CPU, mean", "CPU, peak"):
        panel = panel.override_by_name(name, cores)
    panel = panel.override_by_name("Memory, peak", [style.property_of("unit", style.BYTES), style.width(140)])
    return panel.sort_by([panels.sorted_by("CPU, mean")])
