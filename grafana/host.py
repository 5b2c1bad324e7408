"""Dashboard Host: whether one machine is well, what ate it, and when it will be full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import ON, now, over_time, rows, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline, table, timeseries

    from grafana.board import Board

CPU = select("instance:host_cpu_usage:ratio")
MEMORY = select("host_memory_usage_ratio")
FILESYSTEMS = select("host_filesystem_usage_ratio")


def fill(board: Board) -> None:
    """Put the panels in their places: (width, height) of 24 columns, left to right, top to bottom."""
    for panel in (cpu_now(), memory_now(), fullest_now(), load_now(), uptime(), firing()):
        board.add(panel, 4, 4)
    board.add(alerts(), 24, 5)
    board.row("Processor")
    board.add(cpu_by_mode(), 12, 9)
    board.add(top_by_cpu(), 12, 9)
    board.row("Memory")
    board.add(memory(), 12, 9)
    board.add(top_by_memory(), 12, 9)
    board.row("Programs")
    board.add(programs(), 24, 8)
    board.row("Filesystems")
    board.add(filesystems(), 10, 9)
    board.add(filesystems_now(), 14, 9)
    board.row("Disks and network")
    board.add(disk_traffic(), 12, 8)
    board.add(disk_busy(), 12, 8)
    board.add(network_traffic(), 12, 8)
    board.add(network_errors(), 12, 8)
    board.row("System")
    board.add(load(), 8, 8)
    board.add(pressure(), 8, 8)
    board.add(processes(), 8, 8)
    board.row("Sensors and battery", collapsed=True)
    board.add(temperatures(), 12, 8)
    board.add(battery(), 12, 8)


def cpu_now() -> stat.Panel:
    """Return the share of the processors that is busy."""
    return panels.number_with_level(
        "CPU",
        "Busy share of all CPUs. Good: green most of the time; short peaks are work being done. Yellow and red "
        'are this machine\'s own limits. If it stays there: "Top processes by CPU" names the program.',
        CPU,
        "cpu",
    )


def memory_now() -> stat.Panel:
    """Return the share of memory in use."""
    return panels.number_with_level(
        "Memory",
        'Memory in use, caches not counted. Good: green and steady. Near 100 % the kernel ends programs: look at "Top '
        'processes by memory" for a line that only rises.',
        MEMORY,
        "memory",
    )


def fullest_now() -> stat.Panel:
    """Return the fullest filesystem."""
    panel = panels.number_with_level(
        "Fullest filesystem",
        "The filesystem with the least room, and how much of it is in use. Good: green. What to delete: runbook "
        'HostFilesystemFull; when it will be full: "Filesystems now".',
        f"topk by (job, instance) (1, {FILESYSTEMS})",
        "filesystem",
        "{{mountpoint}}",
    )
    return panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME)


def load_now() -> stat.Panel:
    """Return the load for each CPU."""
    panel = panels.number(
        "Load per CPU",
        "Programs that want to run or wait for a disk, for each CPU, over 5 minutes. Good: below 1. Above it, "
        'work waits; if the CPUs are idle meanwhile, it waits for disks ("Pressure", io). Windows has no such '
        "figure.",
        style.COUNT,
        now(f"{select('host_load5')} / {ON} {select('host_logical_cpus')}"),
        decimals=2,
    )
    return panel.thresholds(style.limits((1, style.WARNING), (2, style.CRITICAL))).color_scheme(style.by_limits())


def uptime() -> stat.Panel:
    """Return the time since the machine was started."""
    return panels.number(
        "Uptime",
        "Time since the machine was started. Good: as long as you remember. Shorter means a restart that you "
        "should know of: the minutes before it are in the graphs below.",
        style.SECONDS,
        now(select("host_uptime_seconds")),
        decimals=1,
    )


def firing() -> stat.Panel:
    """Return how many alerts fire."""
    panel = panels.number(
        "Alerts firing",
        "Alerts of this machine that fire. Good: 0. Which they are stands below; what to do about each, on the "
        "status page under Runbooks.",
        style.COUNT,
        now(f"count({style.firing()}) or vector(0)"),
    )
    return panel.thresholds(style.limits((1, style.CRITICAL))).color_scheme(style.by_limits())


def alerts() -> statetimeline.Panel:
    """Return which alerts fired when."""
    severities = " or ".join(
        (
            "2 * " + style.firing('severity="critical"'),
            style.firing('severity="warning"'),
            "3 * " + style.firing('severity="info"'),
        )
    )
    level = select("instance:host_level:max")
    panel = panels.timeline(
        "Alerts",
        "The machine's level (CPU, memory and filesystems against its limits), and below it each alert while it "
        "fired. Good: one green line. Click into the graphs below at the same time to see what happened.",
        over_time(f"max({level})", "level"),
        over_time(
            f"max by (alertname, mountpoint, collector) ({severities})",
            "{{alertname}} {{mountpoint}}{{collector}}",
            "B",
        ),
    )
    states = {"0": ("well", style.OK), "1": ("warning", style.WARNING), "2": ("critical", style.CRITICAL)}
    return panel.mappings(style.words({**states, "3": ("info", style.INFO)}))


def cpu_by_mode() -> timeseries.Panel:
    """Return what the processors did."""
    seconds = "host_cpu_seconds_total"

    def share(modes: str) -> str:
        part = select(seconds, f'mode=~"{modes}"')
        return f"sum(rate({part}[$__rate_interval])) / scalar(sum(rate({select(seconds)}[$__rate_interval])))"

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


def _top(metric: str, count: int = 8) -> str:
    """Return the series of the programs that used most in the chosen time, the same ones at every moment of it."""
    series = select(metric)
    return f"{series} and on (job, instance, name) topk({count}, sum_over_time({series}[$__range] @ end()))"


def top_by_cpu() -> timeseries.Panel:
    """Return the programs that used most CPU, over time."""
    panel = panels.graph(
        "Top processes by CPU",
        "The programs that used most CPU in the chosen time; all processes of one name together, 1 is one core "
        "busy. Only a program that was among the first has a figure at a moment. Good: names that you know. This "
        "is who ate it at 3 a.m.; what to do: runbook HostHighCpu.",
        style.COUNT,
        over_time(_top("host_top_process_cpu_cores"), "{{name}}"),
    )
    return panels.stacked(panel).decimals(2).legend(style.legend("mean", "max", sort="Mean"))


def memory() -> timeseries.Panel:
    """Return memory and swap."""
    total = select("host_memory_total_bytes")
    panel = panels.graph(
        "Memory and swap",
        "Memory and swap in use, caches not counted. Good: below the dashed limits, swap near 0 or steady. Swap "
        "that grows while memory is full: the machine is slow now and ends programs soon.",
        style.BYTES,
        over_time(select("host_memory_used_bytes"), "used", "A"),
        over_time(select("host_swap_used_bytes"), "swap used", "B"),
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
        over_time(_top("host_top_process_memory_bytes"), "{{name}}"),
    )
    return panels.stacked(panel).legend(style.legend("mean", "max", sort="Max"))


def programs() -> table.Panel:
    """Return the programs of the whole time, those that used most first."""
    cpu, memory = select("host_top_process_cpu_cores"), select("host_top_process_memory_bytes")
    # Over all scrapes of the time, also those in which the program was not among the first.
    scrapes = f"scalar(max(count_over_time({select('up')}[$__range])))"
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


def filesystems() -> timeseries.Panel:
    """Return how the fullest filesystems filled."""
    panel = panels.graph(
        "Filesystems",
        "The three fullest filesystems of the chosen time. Good: flat. A slope shows since when it fills: "
        'compare with "Top processes" at that moment. The dashed lines are this machine\'s limits.',
        style.RATIO,
        over_time(
            f"{FILESYSTEMS} and on (job, instance, mountpoint) topk(3, max_over_time({FILESYSTEMS}[$__range] @ end()))",
            "{{mountpoint}}",
        ),
        *panels.limit_lines("filesystem"),
    )
    return panels.dashed(panel, "warning from", "critical from").max(1).legend(style.legend("min", "max"))


def filesystems_now() -> table.Panel:
    """Return all filesystems, the fullest first, with the time until they are full."""
    available = select("host_filesystem_available_bytes")
    panel = panels.list_of(
        "Filesystems now",
        'All filesystems, the fullest first. "Full in" goes on as in the last 6 hours; nothing stands there '
        'while it does not fill. Good: years or nothing. "Inodes" near 100 %: too many small files. "Unreadable" '
        "1: no figures, see runbook HostFilesystemError.",
        rows(FILESYSTEMS, "A"),
        rows(available, "B"),
        rows(select("host_filesystem_size_bytes"), "C"),
        rows(select("host_filesystem_inodes_usage_ratio"), "D"),
        rows(f"({available} / -deriv({available}[6h])) > 0", "E"),
        rows(select("host_filesystem_error"), "F"),
    )
    names = {
        "mountpoint": "Mountpoint", "Value #A": "Used", "Value #B": "Available", "Value #C": "Size",
        "Value #D": "Inodes", "Value #E": "Full in", "Value #F": "Unreadable", "fstype": "Type", "device": "Device",
    }  # fmt: skip
    panel = panel.with_transformation(style.columns(names, ["Time", "__name__", "job", "instance"]))
    for name in ("Used", "Inodes"):
        panel = panel.override_by_name(name, panels.bar(style.RATIO))
    for name in ("Available", "Size"):
        panel = panel.override_by_name(name, [style.property_of("unit", style.BYTES)])
    panel = panel.override_by_name("Full in", [style.property_of("unit", style.SECONDS)])
    panel = panel.override_by_name("Unreadable", [style.property_of("decimals", 0)])
    return panel.sort_by([panels.sorted_by("Used")])


def _both_ways(
    title: str, description: str, label: str, down: tuple[str, str], up: tuple[str, str]
) -> timeseries.Panel:
    """Return traffic of the two busiest devices in both directions: (metric, word) upwards, then downwards."""

    def rate(metric: str) -> str:
        series = select(metric)
        busiest = f"topk(2, increase({series}[$__range] @ end()))"
        return f"rate({series}[$__rate_interval]) and on (job, instance, {label}) {busiest}"

    panel = panels.graph(
        title,
        description,
        style.BYTES_A_SECOND,
        over_time(rate(down[0]), f"{{{{{label}}}}} {down[1]}", "A"),
        over_time(rate(up[0]), f"{{{{{label}}}}} {up[1]}", "B"),
    )
    return panels.downwards(panel, f"/ {up[1]}$/").legend(style.legend("mean", "max"))


def disk_traffic() -> timeseries.Panel:
    """Return what the disks read and wrote."""
    return _both_ways(
        "Disk traffic",
        "Bytes a second of the two busiest disks: read above, written below the line. Good: what you expect of "
        "this machine; a steady high line by night is a backup, an index or swapping.",
        "device",
        ("host_disk_read_bytes_total", "read"),
        ("host_disk_written_bytes_total", "written"),
    )


def disk_busy() -> timeseries.Panel:
    """Return how busy the disks were."""
    busy = select("host_disk_busy_seconds_total")
    panel = panels.graph(
        "Disk busy",
        "Share of the time in which a disk had something to do, the five busiest. Good: below 80 %. At 100 % a "
        "plain disk is the bottleneck, and all that needs it waits; an SSD can still do more.",
        style.RATIO,
        over_time(f"topk(5, rate({busy}[$__rate_interval]))", "{{device}}"),
    )
    return panel.max(1).legend(style.legend("mean", "max"))


def network_traffic() -> timeseries.Panel:
    """Return what the network interfaces received and sent."""
    return _both_ways(
        "Network traffic",
        "Bytes a second of the two busiest interfaces: received above, transmitted below the line. Good: below "
        "the speed of the link (125 MB/s for one gigabit). A flat top is a link that is full.",
        "interface",
        ("host_network_receive_bytes_total", "received"),
        ("host_network_transmit_bytes_total", "transmitted"),
    )


def network_errors() -> timeseries.Panel:
    """Return packets that were lost."""

    def lost(kind: str, direction: str) -> str:
        return f"sum(rate({select(f'host_network_{direction}_{kind}_total')}[$__rate_interval]))"

    panel = panels.graph(
        "Network errors and drops",
        "Packets a second that were damaged or dropped, all interfaces together. Good: 0. Errors: cable, port or card; "
        "dropped: more came than this machine could take.",
        "pps",
        over_time(lost("errors", "receive"), "receive errors", "A"),
        over_time(lost("errors", "transmit"), "transmit errors", "B"),
        over_time(lost("dropped", "receive"), "receive dropped", "C"),
        over_time(lost("dropped", "transmit"), "transmit dropped", "D"),
    )
    return panel.axis_soft_max(1)


def load() -> timeseries.Panel:
    """Return the load averages."""
    panel = panels.graph(
        "Load",
        "Programs that want to run or wait for a disk, over 1, 5 and 15 minutes. Good: below the dashed line, "
        "the number of CPUs. 1 above 15: it gets worse; below: it is over.",
        style.COUNT,
        over_time(select("host_load1"), "load of 1 minute", "A"),
        over_time(select("host_load5"), "load of 5 minutes", "B"),
        over_time(select("host_load15"), "load of 15 minutes", "C"),
        over_time(select("host_logical_cpus"), "CPUs", "D"),
    )
    return panels.dashed(panel, "CPUs").fill_opacity(0)


def pressure() -> timeseries.Panel:
    """Return how long programs waited."""
    panel = panels.graph(
        "Pressure",
        "Share of the time in which at least one program waited for CPU, memory or disks (Linux PSI). Good: "
        "below 10 %. Memory above 0 for minutes: too little of it; io: the disks are too slow for what is asked.",
        style.RATIO,
        over_time(f"rate({select('host_pressure_waiting_seconds_total')}[$__rate_interval])", "{{resource}}"),
    )
    for name in ("cpu", "memory", "io"):
        panel = panel.override_by_name(name, [style.colour_override(style.COLOURS[name])])
    return panel.legend(style.legend("mean", "max"))


def processes() -> timeseries.Panel:
    """Return how many processes there were."""
    panel = panels.graph(
        "Processes",
        "Processes by state, the five most frequent. Good: steady. One state that only rises: something starts "
        "programs and does not end them; zombies: their parent does not care for them; disk-sleep: a disk or "
        "network share does not answer.",
        style.COUNT,
        over_time(f"topk(5, {select('host_processes')})", "{{state}}"),
    )
    return panels.stacked(panel).decimals(0).legend(style.legend("lastNotNull", "max"))


def temperatures() -> timeseries.Panel:
    """Return the hottest sensors."""
    series = select("host_temperature_celsius")
    panel = panels.graph(
        "Temperatures",
        "The five hottest sensors of the chosen time. Good: below 80 °C for processors, 60 °C for disks. Rising "
        "over weeks: dust; at 95 °C and more a processor slows down.",
        style.CELSIUS,
        over_time(
            f"{series} and on (job, instance, chip, sensor) topk(5, max_over_time({series}[$__range] @ end()))",
            "{{chip}} {{sensor}}",
        ),
    )
    return panel.legend(style.legend("mean", "max", sort="Max")).fill_opacity(0)


def battery() -> timeseries.Panel:
    """Return the charge of the battery."""
    panel = panels.graph(
        "Battery",
        "Charge of all batteries together, and whether the machine is plugged in (1). Good: falls slowly and "
        "evenly. A cliff at 30 % is a battery at its end. The alert comes at 15 %.",
        style.RATIO,
        over_time(select("host_battery_charge_ratio"), "charge", "A"),
        over_time(select("host_battery_plugged"), "plugged in", "B"),
    )
    return panels.dashed(panel, "plugged in").max(1).legend(style.legend("lastNotNull", "min"))
