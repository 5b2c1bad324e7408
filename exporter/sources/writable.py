"""Whether a filesystem can be written: at any of its mountpoints, and since an error."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil

from exporter.sources.ext4 import ext4_count
from exporter.sources.filesystems import FAILED
from exporter.sources.host import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.sources.host import Host
    from exporter.sources.mounts import Mount

STOPPED = frozenset({"emergency_ro", "shutdown"})
"""What the options of ext4 say since Linux 6.15 once it no longer writes; "rw" still stands beside it."""

STOPS = frozenset(
    {"bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "msdos", "nilfs2", "ocfs2", "reiserfs"}
    | {"ubifs", "vfat"}
)
"""Filesystems that the kernel makes read-only after an error. Many others are so by nature, such as squashfs."""

SILENT_SINCE, TOLD_SINCE = (6, 12), (6, 15)
"""Between these versions of Linux, an ext4 that has stopped after an error looks in mountinfo like one that works."""


def filesystems(mounts: Iterable[Mount], *, sandboxed: bool) -> list[Mount]:
    """Return the mounts, each saying whether its filesystem can be written at all, not only at this mountpoint.

    A filesystem is read-only if it says so itself or all its mounts do: ostree and NixOS mount the disk read-only at
    one place and writable at another. If ``sandboxed``, the mounts are those of the exporter's own namespace, where a
    service is often denied to write anywhere, so that only what the filesystem says counts.
    """
    listed = list(mounts)
    groups: dict[str, list[Mount]] = {}
    for mount in listed:
        groups.setdefault(mount.device_number, []).append(mount)
    told = {number: _told(group, sandboxed=sandboxed) for number, group in groups.items()}
    return [
        replace(mount, readonly=readonly, stopped=stopped)
        for mount in listed
        for readonly, stopped in [told[mount.device_number]]
    ]


def _told(group: Sequence[Mount], *, sandboxed: bool) -> tuple[bool, bool]:
    """Return whether a filesystem is read-only, and whether that is because the kernel has stopped writing to it."""
    stopped = any(not STOPPED.isdisjoint(mount.options) for mount in group)
    itself = any("ro" in mount.options for mount in group)
    if sandboxed:
        return itself or stopped, stopped
    here = ["ro" in mount.flags for mount in group]
    # Whoever mounts or remounts a filesystem read-only marks the mount as well; an error marks only the filesystem.
    stopped = stopped or (itself and not any(here) and group[0].fstype in STOPS)
    return itself or stopped or all(here), stopped


def answered(mount: Mount, answer: object) -> Mount:
    """Return the mount, marked if its answer says that the kernel no longer writes to it.

    After an error XFS shuts down and lets nobody read or write any more. Its options stay the same.
    """
    return replace(mount, readonly=True, stopped=True) if mount.fstype == "xfs" and answer == FAILED else mount


class Ext4Errors:
    """Finds each ext4 that has stopped after an error on kernels that do not say so (Debian 13 has one: 6.12)."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._silent: bool | None = None

    def applied(self, mounts: Sequence[Mount]) -> list[Mount]:
        """Return the mounts, each that has stopped marked. Reads a file per ext4, on such kernels only."""
        if self._silent is None:
            release = read_text(f"{self._host.proc}/sys/kernel/osrelease") or os.uname().release
            version = re.match(r"([0-9]{1,9})\.([0-9]{1,9})", release)
            self._silent = version is not None and SILENT_SINCE <= (int(version[1]), int(version[2])) < TOLD_SINCE
        if not self._silent:
            return list(mounts)
        stops = {
            mount.device_number
            for mount in mounts
            if mount.fstype == "ext4" and "errors=remount-ro" in mount.options and not mount.readonly
        }
        failed = {number for number in stops if self._has_failed(number)}
        return [
            replace(mount, readonly=True, stopped=True) if mount.device_number in failed else mount for mount in mounts
        ]

    def _has_failed(self, number: str) -> bool:
        """Return whether the filesystem has met an error since the machine booted.

        Its count of errors lasts until it is repaired, so an error of an earlier boot says nothing about now.
        """
        try:
            name = os.path.basename(os.readlink(f"{self._host.sys}/dev/block/{number}"))
        except OSError:
            return False
        count = ext4_count(self._host, name)
        if count is None or not count.errors > 0:
            return False
        booted = _boot_time()
        return count.last_seconds is None or booted is None or count.last_seconds >= booted


def _boot_time() -> float | None:
    try:
        return psutil.boot_time()
    except (OSError, RuntimeError):  # a container's /proc/stat may lack it
        return None
