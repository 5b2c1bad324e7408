"""Mounts as the kernel and psutil list them: which of them can be seen, and which show one filesystem again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exporter.sources.host import plain_int

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OCTAL = re.compile(r"\\([0-7]{3})")
_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:\\")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted filesystem. ``device_number`` is "major:minor", empty if the system has none.

    ``root`` is the directory of the filesystem that is mounted: "/" unless it is a bind mount or a subvolume.
    ``identity`` is the mount's number, ``parent`` that of the mount beneath it, ``within`` the device number of the
    latter. ``flags`` are the options of this mount, ``options`` those of the filesystem, which all its mounts share.
    ``stopped`` is True if the kernel no longer writes to the filesystem because of an error.
    """

    device: str
    mountpoint: str
    fstype: str
    readonly: bool
    device_number: str = ""
    root: str = "/"
    identity: str = ""
    parent: str = ""
    within: str = ""
    flags: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def is_fuse(self) -> bool:
        """Whether a program serves the filesystem (FUSE)."""
        return self.fstype.startswith("fuse")

    @property
    def viewer(self) -> int | None:
        """The only user who may look at the filesystem, None if others may as well.

        Unless mounted with allow_other, FUSE shows a filesystem to nobody else, root included.
        """
        if not self.is_fuse or "allow_other" in self.options:
            return None
        owners = [option.removeprefix("user_id=") for option in self.options if option.startswith("user_id=")]
        return plain_int(owners[0]) if owners else None


def parse_mountinfo(text: str) -> list[Mount]:
    """Return the mounts in a mountinfo file (proc(5)); malformed lines are skipped."""
    mounts = []
    for line in text.split("\n"):
        left, separator, right = line.partition(" - ")
        fields, source = left.split(" "), right.split(" ")
        if not separator or len(fields) < 6 or len(source) < 2:
            continue
        flags = tuple(fields[5].split(","))
        options = tuple(source[2].split(",")) if len(source) > 2 else ()
        mounts.append(
            Mount(
                device=_unescape(source[1]),
                mountpoint=_unescape(fields[4]),
                fstype=_unescape(source[0]),
                readonly="ro" in flags or "ro" in options,
                device_number=fields[2],
                root=_unescape(fields[3]),
                identity=fields[0],
                parent=fields[1],
                flags=flags,
                options=options,
            )
        )
    numbers = {mount.identity: mount.device_number for mount in mounts}
    return [replace(mount, within=numbers.get(mount.parent, "")) for mount in mounts]


def from_psutil(partitions: Iterable[Any]) -> list[Mount]:
    r"""Convert the result of ``psutil.disk_partitions``, without optical drives, with a disc or not.

    A Windows volume that is mounted in a folder has the drive of that folder as its device ("C:\" for "C:\data\").
    It is another volume, so it gets its own path as device, as drives do.
    """
    return [
        Mount(
            device=part.mountpoint if _WINDOWS_DRIVE.fullmatch(part.device) else part.device,
            mountpoint=part.mountpoint,
            fstype=part.fstype,
            readonly="ro" in part.opts.split(","),
        )
        for part in partitions
        if part.fstype and "cdrom" not in part.opts.split(",")
    ]


def visible(mounts: Iterable[Mount]) -> list[Mount]:
    """Return the mounts that can be seen at their paths, as ``df`` does: those that no later mount covers.

    A mount is covered by one on its own path, and by one on a folder above that belongs to the same mount as the path.
    """
    listed = list(mounts)
    known = {mount.identity: (place, mount) for place, mount in enumerate(listed) if mount.identity}
    latest = {(mount.parent, mount.mountpoint): place for place, mount in known.values()}

    def reached(place: int, mount: Mount) -> bool:
        """Return whether the mount's path leads to it, through all the mounts beneath it."""
        passed = set()
        # A mount whose parent is not listed is compared with no other: nobody knows what it is mounted on. An initial
        # rootfs, where it is listed, is its own parent: what is mounted over it does not cover what is mounted on that.
        while mount.parent in known and mount.parent != mount.identity and place not in passed:
            passed.add(place)
            if any(latest.get((mount.parent, path), -1) > place for path in _and_above(mount.mountpoint)):
                return False
            place, mount = known[mount.parent]
        return True

    shown = [
        mount
        for place, mount in enumerate(listed)
        if latest.get((mount.identity, mount.mountpoint), place) == place and reached(place, mount)
    ]
    return list({mount.mountpoint: mount for mount in shown}.values())


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
        if known is None or rank(mount) < rank(known):
            best[key] = mount
    return sorted(best.values(), key=lambda mount: mount.mountpoint)


def rank(mount: Mount) -> tuple[bool, int]:
    """Return how well a mount represents its filesystem; the lowest is best."""
    return mount.root != "/", len(mount.mountpoint)


def _and_above(path: str) -> Iterator[str]:
    """Yield a path and all folders above it."""
    yield path
    while path not in {"/", ""}:
        path = path.rpartition("/")[0] or "/"
        yield path


def _unescape(text: str) -> str:
    r"""Decode a path from mountinfo, which escapes space, tab, newline and backslash as \040 and so on."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)
