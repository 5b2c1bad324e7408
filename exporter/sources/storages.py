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
            *("9p", "afs", "beegfs", "ceph", "cifs", "davfs", "drvfs", "fuse*", "gpfs", "lustre", "nfs*", "overlay"),
            *("prl_fs", "smb*", "vboxsf", "virtiofs", "vmhgfs"),
        )
    )
)
"""Types whose files are stored in another filesystem, here or on another machine. Each mount has its own number."""

_SERVER = re.compile(r"//([^/]+)/|(\[[^]]+\]|[^/:\\]{2,}):")
"""The server in "//nas/photos" and "nas:/photos". A single letter is a drive."""

NEAR = 10_000
"""Two shares are one storage if they differ by less than this fraction of it: it is written to between two calls."""


def without_shared(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without those that show the storage of another one, in the same order.

    They have the same type, server and size, and are equally full. The writable one is kept, then the one with the
    shortest path. While two different storages look alike, the one left out could not tell anything else either.
    """
    listed = list(rows)
    kept: dict[tuple[str, str, int], list[Usage]] = {}
    left_out = set()
    for mount, usage in sorted(listed, key=_order):
        if isinstance(usage, str) or not (key := _storage(mount, usage)):
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
    if mount.device.startswith("/dev/") or not _ELSEWHERE.match(mount.fstype):
        return None
    server = _SERVER.match(mount.device)
    return (mount.fstype, server[1] or server[2] if server else "", usage.size_bytes)


def _near(one: Usage, other: Usage) -> bool:
    most = one.size_bytes / NEAR
    inodes = abs(one.inodes_used - other.inodes_used) * NEAR <= max(one.inodes, other.inodes)
    return (
        abs(one.used_bytes - other.used_bytes) <= most
        and abs(one.available_bytes - other.available_bytes) <= most
        and inodes
    )
