"""Filesystems with numbers of their own that show one storage: the shares of a server, the folders of a VM's host."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

from exporter.sources.mounts import rank

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.sources.filesystems import Usage
    from exporter.sources.mounts import Mount

    Row = tuple[Mount, Usage | str]

_ELSEWHERE = re.compile(
    "|".join(
        translate(pattern)
        for pattern in (
            *(
                "9p",
                "afs",
                "aufs",
                "beegfs",
                "ceph",
                "cifs",
                "davfs",
                "drvfs",
                "ecryptfs",
                "fakeowner",
                "fuse*",
                "gpfs",
                "lustre",
                "nfs*",
                "overlay",
            ),
            *("prl_fs", "shiftfs", "smb*", "vboxsf", "virtiofs", "vmhgfs"),
        )
    )
)
"""Types whose files are stored in another filesystem, here or on another machine. Each mount has its own number."""

_SERVER = re.compile(r"//([^/]+)/|(\[[^]]+\]|[^/:\\]{2,}):")
"""The server in "//nas/photos" and "nas:/photos". A single letter is a drive."""

_SHARES = re.compile("cifs|nfs4?|smb[0-9]*|fuse\\.sshfs").fullmatch
"""Types in which a server shares its disks; it may share one in several of them."""

_VIEWS = re.compile("aufs|ecryptfs|shiftfs|fuse.*").fullmatch
"""Types that show folders of this machine again, or may. Not overlay: beside the root of a container, the disk of the
machine around it is seen in single files that are mounted there."""

NEAR = 10_000
"""Two shares are one storage if they differ by less than this fraction of it: it is written to between two calls."""


def without_shared(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without those that show the storage of another one, in the same order.

    They have the same type, server and size, and are equally full; a folder that is shown again through a program or an
    encryption has the figures of a disk. The writable one is kept, then the one with the shortest path. While two
    different storages look alike, the one left out could not tell anything else either.
    """
    listed = list(rows)
    kept: dict[tuple[str, str, int], list[Usage]] = {}
    own = [usage for mount, usage in listed if _has_own(mount) and not isinstance(usage, str)]
    left_out = set()
    for mount, usage in sorted(listed, key=_order):
        if isinstance(usage, str) or not (key := _storage(mount, usage)):
            continue
        if _may_be_local(mount, key) and any(_same(usage, other) for other in own):
            left_out.add(mount)
            continue
        alike = kept.setdefault(key, [])
        if any(_near(usage, other) for other in alike):
            left_out.add(mount)
        else:
            alike.append(usage)
    return [row for row in listed if row[0] not in left_out]


def _order(row: Row) -> tuple[bool, bool, int, str]:
    mount = row[0]
    return (mount.readonly, *rank(mount), mount.mountpoint)


def _storage(mount: Mount, usage: Usage) -> tuple[str, str, int] | None:
    """Return what the rows of one storage have in common, None if this mount has a storage to itself."""
    if usage.size_bytes <= 0:
        return None
    if not mount.device_number:  # not Linux: a drive letter or a folder for a volume that has another one
        return ("", usage.device_number, usage.size_bytes) if usage.device_number else None
    if _has_own(mount):
        return None
    server = _SERVER.match(mount.device)
    if not server:
        return (mount.fstype, "", usage.size_bytes)
    if _SHARES(mount.fstype):  # whoever logs in, and by whatever protocol
        return ("share", (server[1] or server[2]).rpartition("@")[2].lower(), usage.size_bytes)
    return (mount.fstype, server[1] or server[2], usage.size_bytes)


def _has_own(mount: Mount) -> bool:
    """Return whether a filesystem stores its files itself."""
    return mount.device.startswith("/dev/") or not _ELSEWHERE.match(mount.fstype)


def _may_be_local(mount: Mount, key: tuple[str, str, int]) -> bool:
    """Return whether a filesystem may store its files in another one of this machine."""
    return not key[1] and _VIEWS(mount.fstype) is not None


def _same(one: Usage, other: Usage) -> bool:
    return one.size_bytes == other.size_bytes and _near(one, other)


def _near(one: Usage, other: Usage) -> bool:
    most = one.size_bytes / NEAR
    inodes = abs(one.inodes_used - other.inodes_used) * NEAR <= max(one.inodes, other.inodes)
    return (
        abs(one.used_bytes - other.used_bytes) <= most
        and abs(one.available_bytes - other.available_bytes) <= most
        and inodes
    )
