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
    """One mounted filesystem. ``device_number`` is "major:minor", empty if the system has none.

    ``root`` is the directory of the filesystem that is mounted: "/" unless it is a bind mount or a subvolume.
    """

    device: str
    mountpoint: str
    fstype: str
    readonly: bool
    device_number: str = ""
    root: str = "/"


class MountTable:
    """Reads the mount table, and parses it only when it has changed, which is rare."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._raw: bytes | None = None
        self._mounts: list[Mount] = []

    def read(self) -> list[Mount]:
        """Return the visible mounts: those not hidden by a later mount on the same path. Raises OSError."""
        if not LINUX:
            return from_psutil(psutil.disk_partitions(all=False))
        raw = self._host.read_init("mountinfo")
        if raw != self._raw:
            self._mounts = visible(parse_mountinfo(raw.decode(errors="surrogateescape")))
            self._raw = raw
        return self._mounts


def parse_mountinfo(text: str) -> list[Mount]:
    """Return the mounts in a mountinfo file (proc(5)); malformed lines are skipped."""
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
    """Convert the result of ``psutil.disk_partitions``, without optical drives, with a disc or not."""
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
    """Return the mounts that are not hidden by a later one on the same mountpoint."""
    return list({mount.mountpoint: mount for mount in mounts}.values())


def without_repeats(mounts: Iterable[Mount]) -> list[Mount]:
    """Return one mount per filesystem: one of the whole filesystem if possible, then the one with the shortest path.

    Identified by device number if there is one, because all FUSE filesystems have the device "/dev/fuse". The
    subvolumes of btrfs share one number in mountinfo, which shows the superblock's, but not in stat(2).
    """
    best: dict[str, Mount] = {}
    for mount in mounts:
        key = mount.device_number or mount.device
        if not mount.device.startswith("/"):  # several exports of one server may share a number
            key = f"{key} {mount.device}"
        known = best.get(key)
        if known is None or _rank(mount) < _rank(known):
            best[key] = mount
    return sorted(best.values(), key=lambda mount: mount.mountpoint)


def _rank(mount: Mount) -> tuple[bool, int]:
    return mount.root != "/", len(mount.mountpoint)


def _unescape(text: str) -> str:
    r"""Decode a path from mountinfo, which escapes space, tab, newline and backslash as \040 and so on."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
