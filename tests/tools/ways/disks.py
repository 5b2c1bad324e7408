"""Disks that fail, wear out, slow down or stop answering, and backups that nobody makes any more."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tests.tools.ways.machine import TEXTFILES
from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from tests.tools.ways.machine import Machine

OURS = "var/lib/host-exporter/textfile"
DISK = 'device="sda",model="Example SSD 500GB",serial="EX0000001"'
SMART = """\
# TYPE host_disk_smart_healthy gauge
host_disk_smart_healthy{{{disk}}} {healthy}
# TYPE host_disk_smart_problem gauge
host_disk_smart_problem{{{disk},problem="sectors that cannot be read"}} {pending}
# TYPE host_disk_wear_ratio gauge
host_disk_wear_ratio{{{disk}}} {wear}
# TYPE host_disk_reallocated_sectors gauge
host_disk_reallocated_sectors{{{disk}}} {reallocated}
"""
SMARTMON = """\
smartmon_device_smart_available{{disk="/dev/sda",type="sat"}} 1
smartmon_device_smart_healthy{{disk="/dev/sda",type="sat"}} {healthy}
smartmon_current_pending_sector_raw_value{{disk="/dev/sda",smart_id="197",type="sat"}} {pending}
smartmon_reallocated_sector_ct_raw_value{{disk="/dev/sda",smart_id="5",type="sat"}} {reallocated}
smartmon_wear_leveling_count_value{{disk="/dev/sda",smart_id="177",type="sat"}} {left}
"""


def _smart(machine: Machine, *, healthy: int = 1, pending: int = 0, reallocated: int = 0, wear: float = 0.1) -> None:
    """Write what each side's own timer, which root has to set up, would write about the disk."""
    figures = {"healthy": healthy, "pending": pending, "reallocated": reallocated, "wear": wear, "disk": DISK}
    machine.tree.write(f"{OURS}/smart.prom", SMART.format(**figures))
    machine.tree.write(f"{TEXTFILES}/smartmon.prom", SMARTMON.format(**figures, left=round(100 * (1 - wear))))


def _failing(machine: Machine) -> None:
    _smart(machine, healthy=0, pending=24, reallocated=310)


def _worn(machine: Machine) -> None:
    _smart(machine, wear=0.96)


def _stale(machine: Machine) -> None:
    then = time.time() - 7 * 3600
    for path in (f"{OURS}/smart.prom", f"{TEXTFILES}/smartmon.prom"):
        os.utime(machine.tree.root / path, (then, then))


def _backup(machine: Machine, days: float = 0.2) -> None:
    text = f'host_backup_last_success_timestamp_seconds{{job="home"}} {time.time() - days * 86400:.0f}\n'
    for folder in (OURS, TEXTFILES):
        machine.tree.write(f"{folder}/backup-home.prom", text)


def _no_backup(machine: Machine) -> None:
    _backup(machine, 2.5)


def _flash(machine: Machine, life: str = "0x02 0x01", reserve: str = "0x01") -> None:
    folder = "sys/class/block/mmcblk0/device"
    machine.tree.write(f"{folder}/life_time", f"{life}\n")
    machine.tree.write(f"{folder}/pre_eol_info", f"{reserve}\n")


def _worn_flash(machine: Machine) -> None:
    _flash(machine, "0x0a 0x05", "0x02")


def _slow(machine: Machine) -> None:
    machine.life.reads, machine.life.wait = 10, 0.8


def _stuck(machine: Machine) -> None:
    machine.life.reads, machine.life.stuck = 0, 32


WAYS = (
    Way("smart-failing", "a disk is failing, by SMART", "HostDiskFailing", _failing, _smart),
    Way("smart-worn", "an SSD is worn to 96 %, by SMART", "HostDiskWorn", _worn, _smart),
    Way("flash", "an eMMC is nearly worn out", "HostDiskWorn", _worn_flash, _flash),
    Way("disk-slow", "a disk takes 0.8 s for each request", "HostDiskSlow", _slow),
    Way("disk-silent", "a disk answers nothing any more", "HostDiskSlow", _stuck),
    Way("smart-stale", "nobody asks the disks any more: SMART data is 7 h old", "HostTextfileStale", _stale, _smart),
    Way("backup", "the last backup is 60 h old", "HostBackupStale", _no_backup, _backup),
)
