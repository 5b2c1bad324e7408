"""Panels of Host: how CPU and memory are used, and by which programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import over_time, rows, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries


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
    return panel.max(1).decimals(0).legend(style.legend("mean", "max"))


def _top(metric: str, *best: tuple[int, str]) -> str:
    """Return the series of the top programs in the time range, the same programs at every step.

    ``best`` says how many to take by which function over that time.
    """
    series = select_one(metric)
    first = " or ".join(f"topk({count}, {function}({series}[$__range] @ end()))" for count, function in best)
    return f"{series} and on (job, instance, name) ({first})"


def top_by_cpu() -> timeseries.Panel:
    """Return the programs that used the most CPU, over time."""
    panel = panels.graph(
        "Top processes by CPU",
        "The programs that used the most CPU in this period, and those with the highest peaks, adding up all "
        "processes of a name; 1 is one busy core. Good: names that you know. This is what was busy at 3 a.m.; see "
        'runbook HostHighCpu. "Programs in this period" has the means.',
        style.COUNT,
        over_time(_top("host_top_process_cpu_cores", (5, "sum_over_time"), (3, "max_over_time")), "{{name}}"),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)  # a program seen only once has no line
    return panels.stacked(panel).decimals(2).legend(style.legend("max", sort="Max"))


def memory() -> timeseries.Panel:
    """Return memory and swap."""
    total = select_one("host_memory_total_bytes")
    panel = panels.graph(
        "Memory and swap",
        "Memory and swap in use, not counting caches. Good: below the dashed limits, with swap near 0 or steady. Swap "
        "that grows while memory is full: the machine is slow now, and the kernel will soon kill programs.",
        style.BYTES,
        over_time(select_one("host_memory_used_bytes"), "used", "A"),
        over_time(select_one("host_swap_used_bytes"), "swap used", "B"),
        over_time(total, "total", "C"),
        *panels.limit_lines("memory", total),
    )
    return panels.dashed(panel, "total", "warning limit", "critical limit").legend(style.legend("mean", "max"))


def top_by_memory() -> timeseries.Panel:
    """Return the programs that used the most memory, over time."""
    panel = panels.graph(
        "Top processes by memory",
        "The programs that used the most memory in this period, adding up all processes of a name, with shared pages "
        "counted once. Good: flat. A line that only rises is a leak; see runbook HostHighMemory.",
        style.BYTES,
        over_time(_top("host_top_process_memory_bytes", (8, "max_over_time")), "{{name}}"),
    )
    panel = panel.show_points(common.VisibilityMode.AUTO)
    return panels.stacked(panel).legend(style.legend("mean", "max", sort="Max"))


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
    for name in ("CPU, mean", "CPU, peak"):
        panel = panel.override_by_name(name, [style.property_of("unit", style.COUNT), style.property_of("decimals", 2)])
    panel = panel.override_by_name("Memory, peak", [style.property_of("unit", style.BYTES)])
    return panel.sort_by([panels.sorted_by("CPU, mean")])
