"""The mount table, from /proc/PID/mountinfo on Linux and psutil elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.sources.host import Host

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted filesystem. ``device_number`` is "major:minor", empty where the system has none.

    ``root`` is the folder of the filesystem that is mounted: "/" unless it is a bind mount or a subvolume.
    """

    device: str
    mountpoint: str
    fstype: str
    readonly: bool
    device_number: str = ""
    root: str = "/"


class MountTable:
    """Reads the mount table; parses it only when it has changed, which it hardly ever does."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._raw: bytes | None = None
        self._mounts: list[Mount] = []

    def read(self) -> list[Mount]:
        """Return what is mounted, without what a later mount on the same path covers. Raises OSError."""
        if not LINUX:
            return from_psutil(psutil.disk_partitions(all=False))
        raw = self._host.read_init("mountinfo")
        if raw != self._raw:
            self._mounts = visible(parse_mountinfo(raw.decode(errors="surrogateescape")))
            self._raw = raw
        return self._mounts


def parse_mountinfo(text: str) -> list[Mount]:
    """Return the mounts of a mountinfo file (proc(5)); lines that are no mounts are passed over."""
    mounts = []
    for line in text.split("\n"):
        left, separator, right = line.partition(" - ")
        fields, source = left.split(" "), right.split(" ")
        if not separator or len(fields) < 6 or len(source) < 2:
            continue
        mounts.append(
            Mount(
                device=_unescape(source[1]),
                mountpoint=_unescape(fields[4]),
                fstype=_unescape(source[0]),
                readonly="ro" in fields[5].split(",") or (len(source) > 2 and "ro" in source[2].split(",")),
                device_number=fields[2],
                root=_unescape(fields[3]),
            )
        )
    return mounts


def from_psutil(partitions: Iterable[Any]) -> list[Mount]:
    """Return the mounts of ``psutil.disk_partitions``; optical drives are left out, full or empty."""
    return [
        Mount(
            device=part.device,
            mountpoint=part.mountpoint,
            fstype=part.fstype,
            readonly="ro" in part.opts.split(","),
        )
        for part in partitions
        if part.fstype and "cdrom" not in part.opts.split(",")
    ]


def visible(mounts: Iterable[Mount]) -> list[Mount]:
    """Return the mounts without those that a later one on the same mountpoint covers."""
    return list({mount.mountpoint: mount for mount in mounts}.values())


def without_repeats(mounts: Iterable[Mount]) -> list[Mount]:
    """Return one mount for each filesystem: the whole one before a part of it, then the shortest path.

    The kernel's number tells them apart where there is one: all FUSE filesystems are on "/dev/fuse". Subvolumes
    (btrfs) share it in mountinfo, which shows that of the superblock, though not in stat(2).
    """
    best: dict[str, Mount] = {}
    for mount in mounts:
        key = mount.device_number or mount.device
        if not mount.device.startswith("/"):  # parts of one server may share a number
            key = f"{key} {mount.device}"
        known = best.get(key)
        if known is None or _rank(mount) < _rank(known):
            best[key] = mount
    return sorted(best.values(), key=lambda mount: mount.mountpoint)


def _rank(mount: Mount) -> tuple[bool, int]:
    return mount.root != "/", len(mount.mountpoint)


def _unescape(text: str) -> str:
    r"""Return a path of mountinfo as it is: space, tab, newline and backslash stand there as \040 and so on."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
