"""Reads the usage of one mounted filesystem."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from exporter.sources.mounts import Mount

UNKNOWN = -1
"""What filesystems such as CephFS report instead of a number of inodes that they do not know: all bits set."""

MOST_RESERVED = 0.5
"""Share of a filesystem that can be reserved for root, the most that ext4 accepts."""

NOT_ALLOWED, FAILED = os.strerror(errno.EACCES), os.strerror(errno.EIO)
"""The reasons given for a filesystem that this user may not look at, and for one that has failed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A filesystem's bytes and inodes. ``device_number`` is the one in stat(2), "" if unknown.

    ``inodes`` is 0 if the filesystem has no fixed number of them (btrfs, FAT, NTFS) or does not say how many are in
    use. Figures are as the filesystem reports them, however impossible; ``available_bytes`` is below 0 if less is free
    than is reserved for root.
    """

    size_bytes: int
    used_bytes: int
    available_bytes: int
    inodes: int = 0
    inodes_used: int = 0
    device_number: str = ""
    is_mountpoint: bool = True


def read_usage(path: str) -> Usage:
    """Return a filesystem's usage from statvfs(2), as ``df`` does, or psutil.disk_usage. Raises OSError."""
    if not LINUX:
        usage = psutil.disk_usage(path)
        return Usage(usage.total, usage.used, usage.free, device_number=_volume(path))
    here, above = os.stat(path), os.stat(os.path.dirname(path.rstrip("/")) or "/")
    stat = os.statvfs(path)
    blocks, free, available, inodes, inodes_free = map(
        _signed, (stat.f_blocks, stat.f_bfree, stat.f_bavail, stat.f_files, stat.f_ffree)
    )
    counted = UNKNOWN not in {inodes, inodes_free}
    return Usage(
        size_bytes=blocks * stat.f_frsize,
        used_bytes=(blocks - free) * stat.f_frsize,
        available_bytes=available * stat.f_frsize,
        inodes=inodes if counted else 0,
        inodes_used=inodes - inodes_free if counted else 0,
        device_number=f"{os.major(here.st_dev)}:{os.minor(here.st_dev)}",
        is_mountpoint=here.st_dev != above.st_dev or here.st_ino == above.st_ino,
    )


def is_another(mount: Mount, answer: Usage | str) -> bool:
    """Return whether a path leads to another filesystem than the mount's.

    It was mounted after our container had started, or the mount is not visible from here for another reason.
    """
    if isinstance(answer, str) or not mount.device_number or not answer.device_number:
        return False
    if mount.fstype != "btrfs":
        return answer.device_number != mount.device_number
    # stat(2) reports a number of its own for each subvolume, always of no device; mountinfo has one for the whole
    # filesystem. A folder that is mounted within its own filesystem shows the right figures, visible or not.
    is_folder = not answer.is_mountpoint and mount.within != mount.device_number
    return is_folder or not answer.device_number.startswith("0:")


def space(usage: Usage) -> tuple[float, float]:
    """Return the bytes used and available; what cannot be is IMPOSSIBLE: less than none, or more than there is."""
    size, used, available = usage.size_bytes, usage.used_bytes, usage.available_bytes
    if not 0 <= used <= size:
        return IMPOSSIBLE, available if 0 <= available <= size else IMPOSSIBLE
    if available < 0 and size - used - available <= size * MOST_RESERVED:
        available = 0  # root has used some of what is reserved for it: nothing is left for others
    return used, available if 0 <= available <= size else IMPOSSIBLE


def inodes_ratio(usage: Usage) -> float | None:
    """Return the share of inodes in use, None if their number is not fixed, IMPOSSIBLE if it cannot be."""
    if not usage.inodes:
        return None
    return usage.inodes_used / usage.inodes if 0 <= usage.inodes_used <= usage.inodes else IMPOSSIBLE


def _signed(number: int) -> int:
    """Return a number of statvfs(2) as the driver meant it: the fields are unsigned, but some put a -1 in."""
    return number - 2**64 if number >= 2**63 else number


def _volume(path: str) -> str:
    """Return what tells a volume from others, on Windows its serial number; "" if unknown."""
    try:
        return str(os.stat(path).st_dev)
    except OSError:
        return ""
