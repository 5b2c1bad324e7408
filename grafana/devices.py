"""Panels of Host: filesystems, disks and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import panels, style
from grafana.style import over_time, rows, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries


FILESYSTEMS = select_one("host_filesystem_usage_ratio")


def filesystems() -> timeseries.Panel:
    """Return the usage of the fullest filesystems over time."""
    most = f"max_over_time({FILESYSTEMS}[$__range] @ end())"
    panel = panels.graph(
        "Filesystems",
        "The three fullest writable filesystems in this period. Good: flat. A slope shows when one started to fill: "
        'compare with "Top processes" at that moment. The dashed lines are this machine\'s limits.',
        style.RATIO,
        over_time(
            f"{style.writable(FILESYSTEMS)} and on (job, instance, mountpoint) topk(3, {style.writable(most)})",
            "{{mountpoint}}",
        ),
        *panels.limit_lines("filesystem"),
    )
    return panels.dashed(panel, "warning limit", "critical limit").max(1).legend(style.legend("min", "max"))


def filesystems_now() -> table.Panel:
    """Return all filesystems, fullest first, with the time until each is full."""
    available = select_one("host_filesystem_available_bytes")
    columns = {
        "A": style.writable(FILESYSTEMS),
        "B": available,
        "C": select_one("host_filesystem_size_bytes"),
        "D": select_one("host_filesystem_inodes_usage_ratio"),
        "E": time_left(available),
        "F": select_one("host_filesystem_error"),
        "G": select_one("host_filesystem_readonly"),
    }
    panel = panels.list_of(
        "Filesystems now",
        'All filesystems, fullest first. "Full in" goes by the slowest of the last 6 hours, the last hour and the one '
        'before, and is empty if one of them took no space. Good: years or empty. "Inodes" near 100 %: too many small '
        'files. "Unreadable" 1: no data, see runbook HostFilesystemError. "Read-only" 1: it cannot be written, so how '
        "full it is does not matter.",
        *(rows(f"max by (mountpoint, fstype, device) ({expr})", ref) for ref, expr in columns.items()),
    )
    names = {
        "mountpoint": "Mountpoint", "Value #A": "Used", "Value #B": "Available", "Value #C": "Size",
        "Value #D": "Inodes", "Value #E": "Full in", "Value #F": "Unreadable",
        "Value #G": "Read-only", "fstype": "Type", "device": "Device",
    }  # fmt: skip
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    for name, resource in {"Used": "filesystem", "Inodes": "inodes"}.items():
        panel = panel.override_by_name(name, panels.bar(resource))
    for name in ("Available", "Size"):
        panel = panel.override_by_name(name, [style.property_of("unit", style.BYTES)])
    panel = panel.override_by_name("Full in", [style.property_of("unit", style.SECONDS)])
    for name in ("Unreadable", "Read-only"):
        panel = panel.override_by_name(name, [style.property_of("decimals", 0)])
    return panel.sort_by([panels.sorted_by("Used")])


def time_left(available: str) -> str:
    """Return the query for the seconds until filesystems are full, by the trend that HostFilesystemFillingUp needs.

    That is the slowest of three: the last 6 hours, the last hour, the hour before. A copy that has ended, or the first
    two hours of a new machine, are no trend.
    """
    an_hour_ago = f"quantile_over_time(0.5, {available}[20m] offset 50m)"
    two_hours_ago = f"quantile_over_time(0.5, {available}[20m] offset 110m)"
    loss = f"({an_hour_ago} - {available})"
    for other in (f"({two_hours_ago} - {an_hour_ago})", f"(-3600 * deriv({available}[6h]))"):
        loss = f"({loss} < {other} or {other} <= {loss})"  # the smaller of the two; nothing if one is unknown
    return f"3600 * {available} / ({loss} > 0) or ({available} == 0)"


def _both_ways(
    title: str, description: str, label: str, down: tuple[str, str], up: tuple[str, str]
) -> timeseries.Panel:
    """Return the traffic of the two busiest devices in both directions: (metric, word) upwards, then downwards."""

    def rate(metric: str) -> str:
        series = select_one(metric)
        busiest = f"topk(2, increase({series}[$__range] @ end()))"
        return f"rate({series}[$__rate_interval]) and on (job, instance, {label}) {busiest}"

    panel = panels.graph(
        title,
        description,
        style.BYTES_A_SECOND,
        over_time(rate(down[0]), f"{{{{{label}}}}} {down[1]}", "A"),
        over_time(rate(up[0]), f"{{{{{label}}}}} {up[1]}", "B"),
        below_zero=True,
    )
    return panels.downwards(panel, f"/ {up[1]}$/").legend(style.legend("mean", "max"))


def disk_traffic() -> timeseries.Panel:
    """Return disk reads and writes."""
    return _both_ways(
        "Disk traffic",
        "Bytes per second of the two busiest disks, reads above the line and writes below it. Good: what you expect "
        "of this machine. A steady high line at night is a backup, an index run or swapping.",
        "device",
        ("host_disk_read_bytes_total", "read"),
        ("host_disk_written_bytes_total", "written"),
    )


def disk_operations() -> timeseries.Panel:
    """Return the reads and writes completed."""
    panel = _both_ways(
        "Disk operations",
        "Reads completed per second above the line, writes below it, of the two disks that complete most. Good: far "
        "below what the disk can do: about 100 for a hard disk, tens of thousands for an SSD. Many operations with "
        "little traffic are small and scattered: a database, a mail server, swapping.",
        "device",
        ("host_disk_reads_completed_total", "reads"),
        ("host_disk_writes_completed_total", "writes"),
    )
    return panel.unit(style.OPERATIONS)


def disk_latency() -> timeseries.Panel:
    """Return how long a read and a write take on average, with the time in the queue, like ``await`` in iostat."""

    def mean(seconds: str, count: str) -> str:
        spent, done = select_one(seconds), select_one(count)
        # Nothing where nothing was done: 0/0 is no number.
        took = f"rate({spent}[$__rate_interval]) / rate({done}[$__rate_interval])"
        return f"{took} and on (job, instance, device) topk(2, increase({spent}[$__range] @ end()))"

    panel = panels.graph(
        "Disk latency",
        "Mean time of a read and of a write, including the wait in the queue, of the two disks that spent most time on "
        "each. Good: below 1 ms for an SSD, 20 ms for a hard disk. High only while the disk is busy: too much work for "
        "it. High at any time: a disk that is failing, or a busy neighbour on shared storage.",
        style.SECONDS,
        over_time(mean("host_disk_read_seconds_total", "host_disk_reads_completed_total"), "{{device}} read", "A"),
        over_time(mean("host_disk_write_seconds_total", "host_disk_writes_completed_total"), "{{device}} write", "B"),
    )
    # A disk that is used now and then has single points.
    panel = panel.show_points(common.VisibilityMode.AUTO).fill_opacity(0)
    return panel.legend(style.legend("mean", "max", sort="Max"))


def disk_busy() -> timeseries.Panel:
    """Return disk utilisation."""
    busy = select_one("host_disk_busy_seconds_total")
    panel = panels.graph(
        "Disk busy",
        "Share of the time in which a disk had work to do, the five busiest disks. Good: below 80 %. At 100 % a hard "
        "disk is the bottleneck and everything that needs it waits; an SSD can still do more.",
        style.RATIO,
        over_time(f"rate({busy}[$__rate_interval]) and topk(5, increase({busy}[$__range] @ end()))", "{{device}}"),
    )
    return panel.max(1).legend(style.legend("mean", "max"))


def network_traffic() -> timeseries.Panel:
    """Return received and transmitted traffic."""
    return _both_ways(
        "Network traffic",
        "Bytes per second of the two busiest interfaces, received above the line and transmitted below it. Good: "
        "below the link speed (125 MB/s for 1 Gbit/s). A flat top is a saturated link.",
        "interface",
        ("host_network_receive_bytes_total", "received"),
        ("host_network_transmit_bytes_total", "transmitted"),
    )


def network_errors() -> timeseries.Panel:
    """Return packet errors and drops."""

    def lost(kind: str, direction: str) -> str:
        # Not a sum: a bond counts its ports' errors as well.
        return f"max(rate({select_one(f'host_network_{direction}_{kind}_total')}[$__rate_interval]))"

    panel = panels.graph(
        "Network errors and drops",
        "Damaged or dropped packets per second, of the interface that has most. Good: 0. Errors: check the cable, the "
        "port and the card. Drops: more arrived than this machine could handle.",
        "pps",
        over_time(lost("errors", "receive"), "receive errors", "A"),
        over_time(lost("errors", "transmit"), "transmit errors", "B"),
        over_time(lost("dropped", "receive"), "receive dropped", "C"),
        over_time(lost("dropped", "transmit"), "transmit dropped", "D"),
    )
    return panel.axis_soft_max(1)
