"""Dashboard Host: whether one machine is well, what used it up, and when it will be full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import alerting, devices, hardware, health, kernel, links, memory, panels, storage, style, system, usage
from grafana.style import now, over_time, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, statetimeline

    from grafana.board import Board

# An average over several scrapes outlives the machine.
CPU = f"({select_one('instance:host_cpu_usage:ratio')} and {style.ON} {select_one('up')} == 1)"
MEMORY = select_one("host_memory_usage_ratio")
FILESYSTEMS = style.writable(select_one("host_filesystem_usage_ratio"))


def fill(board: Board) -> None:
    """Lay out the panels: (width, height) in a grid of 24 columns, left to right, top to bottom."""
    for panel in (cpu_now(), memory_now(), fullest_now(), load_now(), uptime(), firing()):
        board.add(panel, 4, 4)
    board.add(alerts(), 24, 5)
    board.row("Processor")
    board.add(usage.cpu_by_mode(), 12, 11)
    board.add(usage.top_by_cpu(), 12, 11)
    board.add(usage.cpu_by_core(), 12, 8)
    board.add(system.load(), 12, 8)
    board.row("Memory")
    board.add(usage.memory(), 12, 9)
    board.add(usage.top_by_memory(), 12, 9)
    board.add(memory.paging(), 12, 8)
    board.add(memory.faults(), 12, 8)
    board.row("Programs")
    board.add(usage.programs(), 24, 8)
    board.row("Filesystems")
    board.add(devices.filesystems_now(), 24, 7)
    board.add(devices.filesystems(), 24, 8)
    board.row("Disks and network")
    board.add(devices.disk_traffic(), 12, 8)
    board.add(devices.disk_busy(), 12, 8)
    board.add(devices.disk_operations(), 12, 8)
    board.add(devices.disk_latency(), 12, 8)
    board.add(devices.network_traffic(), 12, 8)
    board.add(devices.network_errors(), 12, 8)
    board.row("Storage health", collapsed=True)
    board.add(health.disk_health(), 24, 6)
    board.add(storage.degraded(), 8, 8)
    board.add(storage.sync(), 8, 8)
    board.add(storage.errors(), 8, 8)
    board.add(health.wear(), 12, 8)
    board.add(health.backups(), 12, 8)
    board.row("System")
    board.add(system.pressure(), 12, 8)
    board.add(system.processes(), 12, 8)
    board.add(kernel.limits(), 8, 8)
    board.add(kernel.clock(), 8, 8)
    board.add(kernel.tcp(), 8, 8)
    board.row("Sensors and battery", collapsed=True)
    board.add(hardware.temperatures(), 12, 8)
    board.add(hardware.fans(), 12, 8)
    board.add(hardware.faults(), 12, 8)
    board.add(system.battery(), 12, 8)


def cpu_now() -> stat.Panel:
    """Return the CPU usage."""
    return panels.number_with_level(
        "CPU",
        "CPU usage across all CPUs. Good: green most of the time; short peaks are normal work. Yellow and red are "
        'this machine\'s own limits. If it stays there, "Top processes by CPU" names the program.',
        CPU,
        "cpu",
    )


def memory_now() -> stat.Panel:
    """Return the memory usage."""
    return panels.number_with_level(
        "Memory",
        "Memory in use, not counting caches. Good: green and steady. Near 100 % the kernel kills programs: look for a "
        'line that only rises in "Top processes by memory".',
        MEMORY,
        "memory",
    )


def fullest_now() -> stat.Panel:
    """Return the fullest filesystem."""
    panel = panels.number_with_level(
        "Fullest disk",
        "The fullest filesystem and how full it is. Good: green. Runbook HostFilesystemFull says what to delete; "
        '"Filesystems now" shows when it will be full.',
        f"topk by (job, instance) (1, {FILESYSTEMS})",
        "filesystem",
        "{{mountpoint}}",
    )
    return panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME)


def load_now() -> stat.Panel:
    """Return the load per CPU."""
    panel = panels.number(
        "Load per CPU",
        "Programs that are running, or waiting for a CPU or a disk, per CPU, averaged over 5 minutes. Good: below 1. "
        'Above 1, work queues; if the CPUs are idle, it waits for disks ("Pressure", io). Not available on Windows.',
        style.COUNT,
        now(f"{select_one('host_load5')} / {select_one('host_logical_cpus')}"),
        decimals=2,
    )
    return panels.signal(panel, (1, style.WARNING), (2, style.CRITICAL))


def uptime() -> stat.Panel:
    """Return the time since the machine booted, and whether it must be rebooted."""
    seconds, required = select_one("host_uptime_seconds"), f"{select_one('host_reboot_required')} == 1"
    panel = panels.number(
        "Uptime",
        "Time since the machine booted. Good: as long as you remember. If it is shorter, the machine restarted; the "
        "graphs below show the minutes before. Below it: whether updates take effect only after a reboot.",
        style.SECONDS,
        now(f"{seconds} unless {style.ON} {required}", "up", "A"),
        now(f"{seconds} and {style.ON} {required}", "up, reboot required", "B"),
        decimals=1,
    )
    return panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME)


def firing() -> stat.Panel:
    """Return the number of firing alerts."""
    return panels.number_of_alerts(
        'Firing alerts of this machine. Good: 0. "Alerts" below shows which ones; click here for the runbooks, which '
        "say what to do about each.",
        select_one("ALERTS"),
        select_one("up"),
    )


def alerts() -> statetimeline.Panel:
    """Return which alerts fired, and when."""
    level = select_one("instance:host_level:max")
    panel = panels.timeline(
        "Alerts",
        "The level that the status page shows, and below it every alert while it fired. Good: one green line. Click a "
        "bar for the alert's runbook. Compare the graphs below at the same time to see what happened.",
        over_time(f"max(max_over_time({level}[$__interval]))", "level"),
        over_time(alerting.bars(select_one("ALERTS")), alerting.NAMED, "B"),
    )
    panel = panel.override_by_query("B", [links.runbook()])
    return panel.mappings(style.words(alerting.LEVELS))
