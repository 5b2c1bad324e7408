"""Panels of Host: whether what the machine keeps its data on is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import over_time, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import prometheus, timeseries


def degraded() -> timeseries.Panel:
    """Return what arrays and pools lack."""
    lacks, pools = select_one("host_raid_degraded_members"), select_one("host_pool_state")
    worse = select_one("host_pool_state", 'state!="ONLINE"')
    panel = panels.graph(
        "Missing disks",
        "Members that RAID arrays and btrfs lack: missing, failed or not rebuilt. For ZFS, pools that are not ONLINE. "
        "Good: 0. Otherwise the next disk that fails may take the data with it: see runbooks HostRaidDegraded and "
        "HostPoolDegraded.",
        style.COUNT,
        *style.ranked(lacks, "job, instance, device", "{{device}}", "A", (3, style.in_range("max_over_time", lacks))),
        over_time(f"sum({select_one('host_btrfs_device_missing')})", "btrfs", "B"),
        over_time(f"count({worse}) or 0 * count({pools})", "ZFS pools", "C"),
    )
    return panel.axis_soft_max(1)


def sync() -> timeseries.Panel:
    """Return how far arrays have got with a check or a rebuild."""
    done = select_one("host_raid_sync_ratio")
    panel = panels.graph(
        "RAID rebuild and check",
        "How far a rebuild or a check of RAID arrays is. recover: a member is being rebuilt, and missing until then. "
        "check: a scrub, once a month on most systems; no fault. Good: empty, or rising to 100 %.",
        style.RATIO,
        *style.ranked(
            done,
            "job, instance, device, action",
            "{{device}} {{action}}",
            "A",
            (3, style.in_range("max_over_time", done)),
        ),
    )
    return panel.max(1)


def errors() -> timeseries.Panel:
    """Return the errors that filesystems have met."""

    def added(metric: str, by: str, ref: str, best: int) -> list[prometheus.Dataquery]:
        new = f"sum by (job, instance, {by}) (increase({select_one(metric)}[$__rate_interval]))"
        most = f"sum by (job, instance, {by}) ({style.in_range('increase', select_one(metric))})"
        legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
        first = 1 if ref == "A" else 4
        return style.ranked(new, f"job, instance, {by}", legend, ref, (best, most), first=first)

    panel = panels.graph(
        "New filesystem errors",
        "Errors that ext4 and btrfs have met, by device, when they were counted. Good: 0. Anything else is a disk, a "
        "cable or memory that fails: see runbook HostFilesystemErrors.",
        style.COUNT,
        *added("host_filesystem_errors_total", "device", "A", 3),
        *added("host_btrfs_device_errors_total", "filesystem, device", "B", 2),
    )
    return panel.axis_soft_max(1)
