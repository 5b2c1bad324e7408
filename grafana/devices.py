"""Panels of Host: filesystems, disks and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import common

from grafana import levels, panels, style
from grafana.style import over_time, rows, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus, table, timeseries


FILESYSTEMS = select_one("host_filesystem_usage_ratio")


def filesystems() -> timeseries.Panel:
    """Return the usage of the fullest filesystems over time."""
    most = style.in_range("max_over_time", FILESYSTEMS)
    panel = panels.graph(
        "Filesystems",
        "The three fullest writable filesystems in this period. Good: flat. A slope shows when one started to fill: "
        'compare with "Top processes" at that moment. The dashed lines are this machine\'s limits.',
        style.RATIO,
        *style.ranked(
            style.writable(FILESYSTEMS), "job, instance, mountpoint", "{{mountpoint}}", "A", (3, style.writable(most))
        ),
        *panels.limit_lines("filesystem"),
    )
    return (
        panels.dashed(panel, "warning limit", "critical limit").max(1).legend(style.legend("min", "max", beside=True))
    )


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
    by = "mountpoint, fstype, device"

    def each(expr: str) -> str:
        return f"max by ({by}) ({expr})"

    asked = {ref: each(expr) for ref, expr in columns.items()}
    asked["A"] = levels.of_one(asked["A"], "filesystem", by)
    # No number where there is no trend: a column of which no row has anything would be left out.
    asked["E"] += f" or {asked['B']} * NaN"
    panel = panels.list_of(
        "Filesystems now",
        'All filesystems, fullest first, coloured by this machine\'s limits. "Full in" goes by the slowest of the last '
        "6 hours, the last hour and the one before, and is - if one of them took no space. Good: years or -. "
        '"Inodes" near 100 %: too many small files. "Unreadable" 1: no data, see runbook HostFilesystemError. '
        '"Read-only" 1: it cannot be written, so how full it is does not matter.',
        *(rows(expr, ref) for ref, expr in asked.items()),
    )
    names = {
        "mountpoint": "Mountpoint", "Value #A": "Used", "Value #E": "Full in", "Value #B": "Available",
        "Value #C": "Size", "Value #F": "Unreadable", "Value #G": "Read-only", "Value #D": "Inodes", "fstype": "Type",
        "device": "Device",
    }  # fmt: skip
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    panel = panel.override_by_name("Used", panels.bar("filesystem"))
    panel = panel.override_by_name("Inodes", panels.bar("inodes", 100))
    panel = levels.coloured(panel, "Used", "filesystem")
    for name, width in {"Available": 100, "Size": 90}.items():
        panel = panel.override_by_name(name, [style.property_of("unit", style.BYTES), style.width(width)])
    panel = panel.override_by_name("Full in", [style.property_of("unit", style.SECONDS), style.width(100)])
    for name in ("Unreadable", "Read-only"):
        panel = panel.override_by_name(name, [style.property_of("decimals", 0), style.width(110)])
    panel = panel.override_by_name("Type", [style.width(65)])
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
    # By both together, so that a device has one place and one colour.
    most = " + ".join(style.in_range("increase", select_one(metric)) for metric, _ in (down, up))

    def rate(metric: str, word: str, ref: str) -> list[prometheus.Dataquery]:
        shown = f"rate({select_one(metric)}[$__rate_interval])"
        return style.ranked(shown, f"job, instance, {label}", f"{{{{{label}}}}} {word}", ref, (2, most))

    panel = panels.graph(
        title,
        description,
        style.BYTES_A_SECOND,
        *rate(*down, "A"),
        *rate(*up, "B"),
        below_zero=True,
    )
    return panels.downwards(panel, f"/ {up[1]}$/").legend(style.legend("max", beside=True))


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
    spent = {kind: select_one(f"host_disk_{kind}_seconds_total") for kind in ("read", "write")}
    most = " + ".join(style.in_range("increase", series) for series in spent.values())

    def mean(kind: str, ref: str, first: int) -> list[prometheus.Dataquery]:
        done = select_one(f"host_disk_{kind}s_completed_total")
        # Nothing where nothing was done: 0/0 is no number.
        took = f"rate({spent[kind]}[$__rate_interval]) / rate({done}[$__rate_interval])"
        return style.ranked(took, "job, instance, device", f"{{{{device}}}} {kind}", ref, (2, most), first=first)

    panel = panels.graph(
        "Disk latency",
        "Mean time of a read and of a write, including the wait in the queue, of the two disks that spent most time on "
        "both. Good: below 1 ms for an SSD, 20 ms for a hard disk. High only while the disk is busy: too much work for "
        "it. High at any time: a disk that is failing, or a busy neighbour on shared storage.",
        style.SECONDS,
        *mean("read", "A", 1),
        *mean("write", "B", 3),
    )
    # A disk that is used now and then has single points.
    panel = panel.show_points(common.VisibilityMode.AUTO).fill_opacity(0)
    return panel.legend(style.legend("mean", "max", sort="Max", beside=True))


def disk_busy() -> timeseries.Panel:
    """Return disk utilisation."""
    busy = select_one("host_disk_busy_seconds_total")
    panel = panels.graph(
        "Disk busy",
        "Share of the time in which a disk had work to do, the five busiest disks. Good: below 80 %. At 100 % a hard "
        "disk is the bottleneck and everything that needs it waits; an SSD can still do more.",
        style.RATIO,
        *style.ranked(
            f"rate({busy}[$__rate_interval])",
            "job, instance, device",
            "{{device}}",
            "A",
            (5, style.in_range("increase", busy)),
        ),
    )
    return panel.max(1).legend(style.legend("mean", "max", beside=True))


def network_traffic() -> timeseries.Panel:
    """Return received and transmitted traffic."""
    return _both_ways(
        "Network traffic",
        "Bytes per second of the two busiest interfaces, received above the line and transmitted below it. Good: "
        "below the link speed (119 MiB/s for 1 Gbit/s). A flat top is a saturated link.",
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
        style.PACKETS_A_SECOND,
        over_time(lost("errors", "receive"), "receive errors", "A"),
        over_time(lost("errors", "transmit"), "transmit errors", "B"),
        over_time(lost("dropped", "receive"), "receive dropped", "C"),
        over_time(lost("dropped", "transmit"), "transmit dropped", "D"),
    )
    return panel.axis_soft_max(1)
