"""Errors that filesystems have met: ext4, and the devices of btrfs (Linux)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import counters, gauges
from exporter.findings import Finding
from exporter.sources.blocks import device_name, device_number
from exporter.sources.btrfs import Btrfs, has_btrfs, read_btrfs
from exporter.sources.ext4 import Ext4Count, ext4_count, ext4_devices
from exporter.sources.host import LINUX, printable
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.mounts import Mount
    from exporter.thresholds import Thresholds

RECENT = 86400.0
"""Seconds for which an error is news; the same as in HostFilesystemErrors."""


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """Errors of an ext4 since it was made or repaired, and Unix time of the last one.

    ``recent`` means that it has met one in the last day. The count outlives reboots. ``mountpoint`` is looked up only
    where there are errors, and empty if unknown.
    """

    device: str
    mountpoint: str
    errors: float | None
    last_error_timestamp_seconds: float | None
    recent: bool


@dataclass(frozen=True, slots=True)
class BtrfsDevice:
    """One device of a btrfs, which goes by its label or UUID: whether it is missing, and its errors by kind.

    A device whose name cannot be known, as of one that is missing, is called "devid 2", as by ``btrfs``. ``mountpoint``
    is empty if unknown.
    """

    filesystem: str
    mountpoint: str
    device: str
    missing: bool | None
    errors: dict[str, float]


@dataclass(frozen=True, slots=True)
class Integrity:
    """All ext4 by device, and all devices of all btrfs."""

    filesystems: tuple[ErrorCount, ...]
    btrfs_devices: tuple[BtrfsDevice, ...]

    def faults(self) -> bool:
        """Return whether anything has ever gone wrong."""
        return any(each.errors for each in self.filesystems) or any(
            each.missing or any(each.errors.values()) for each in self.btrfs_devices
        )


def read(machine: Machine, _baseline: Snapshot | None) -> Integrity | None:
    """Read /sys/fs/ext4 and /sys/fs/btrfs; None if the machine has no such filesystem."""
    if not LINUX:
        return None
    counts = {name: ext4_count(machine.host, name) for name in ext4_devices(machine.host)}
    known = {name: count for name, count in counts.items() if count}
    # Reading the mount table takes longer than all else, and a plain disk without errors needs no other name.
    named = any(count.errors or name.startswith("dm-") for name, count in known.items())
    mounts = _mounts(machine) if named or has_btrfs(machine.host) else ()
    found = [_ext4(machine, name, count, mounts) for name, count in known.items()]
    counted = tuple(sorted(found, key=lambda each: each.device))
    devices = tuple(device for each in read_btrfs(machine.host, mounts) for device in _devices(each))
    return Integrity(counted, devices) if counted or devices else None


def metrics(section: Integrity) -> Iterable[Metric]:
    """Return the families of filesystem errors."""
    yield from counters(
        "host_filesystem_errors_total",
        "Errors that the ext4 on the device has met since it was made or repaired (fsck); the count outlives reboots.",
        ("device",),
        [((each.device,), each.errors) for each in section.filesystems],
    )
    yield from gauges(
        "host_filesystem_last_error_timestamp_seconds",
        "Unix time at which the ext4 on the device last met an error; absent if it has met none.",
        ("device",),
        [((each.device,), each.last_error_timestamp_seconds) for each in section.filesystems],
    )
    yield from counters(
        "host_btrfs_device_errors_total",
        "Errors of a device of a btrfs since they were last reset (btrfs device stats -z).",
        ("filesystem", "device", "kind"),
        [
            ((each.filesystem, each.device, kind), count)
            for each in section.btrfs_devices
            for kind, count in each.errors.items()
        ],
    )
    yield from gauges(
        "host_btrfs_device_missing",
        "1 if the btrfs is mounted without the device.",
        ("filesystem", "device"),
        [((each.filesystem, each.device), each.missing) for each in section.btrfs_devices],
    )


def findings(section: Integrity, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield an ext4 that has met an error in the last day, and a btrfs without one of its devices.

    Older errors stay on the page: they are no news, but nobody has repaired them.
    """
    for each in section.filesystems:
        if each.recent and each.errors:
            where = f"({each.mountpoint}) " if each.mountpoint else ""
            reason = f"{where}has met an error in the last 24 hours; counted since the last repair: {each.errors:.0f}"
            yield Finding("HostFilesystemErrors", Level.CRITICAL, "Filesystem", each.device, reason=reason)
    missing: dict[str, list[str]] = {}
    for device in section.btrfs_devices:
        if device.missing:
            missing.setdefault(device.filesystem, []).append(device.device)
    for filesystem, names in missing.items():
        reason = f"is mounted without {', '.join(names)}"
        yield Finding("HostPoolDegraded", Level.CRITICAL, "Pool", filesystem, reason=reason)


def _mounts(machine: Machine) -> Sequence[Mount]:
    """Return the mounts; none if they cannot be read, of which the filesystem collector tells."""
    try:
        return machine.mounts.read()
    except OSError:
        return ()


def _ext4(machine: Machine, name: str, count: Ext4Count, mounts: Sequence[Mount]) -> ErrorCount:
    device = device_name(machine.host, name)
    own = [mount for mount in mounts if mount.device == f"/dev/{device}"]
    if mounts and not own and (number := device_number(machine.host, name)):
        own = [mount for mount in mounts if mount.device_number == number]
    if name.startswith("dm-"):  # else the kernel's name: the table may have /dev/root
        device = printable(own[0].device) if own else f"/dev/{device}"
    last = count.last_seconds
    return ErrorCount(
        device,
        printable(min((mount.mountpoint for mount in own), key=len, default="")),
        count.errors,
        last,
        last is not None and count.errors > 0 and time.time() - last < RECENT,
    )


def _devices(filesystem: Btrfs) -> Iterable[BtrfsDevice]:
    for each in filesystem.devices:
        name = each.name or f"devid {each.number}"
        yield BtrfsDevice(
            filesystem.name, printable(filesystem.mountpoint or ""), name, each.missing, dict(each.errors)
        )
