"""The devices of each btrfs that is mounted, from /sys/fs/btrfs; their names from the filesystem itself."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.sources.blocks import device_name
from exporter.sources.host import counter, listed, plain_int, printable, read_int, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.sources.host import Host
    from exporter.sources.mounts import Mount

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

KINDS = ("write_errs", "read_errs", "flush_errs", "corruption_errs", "generation_errs")
DEV_INFO = 0xD000941E
"""BTRFS_IOC_DEV_INFO of linux/btrfs.h: needs no privilege, only a mountpoint that may be opened."""
ARGUMENT, PATH = 4096, 3072
"""Size of its argument, and where in it the device's path is; the device's number is at the beginning."""


@dataclass(frozen=True, slots=True)
class BtrfsDevice:
    """One device by its number in the filesystem. ``name`` is None for one that is missing or cannot be told apart."""

    number: int
    name: str | None
    missing: bool | None
    errors: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Btrfs:
    """One filesystem: its label or else its UUID, where it is mounted if that is known, and its devices."""

    name: str
    mountpoint: str | None
    devices: tuple[BtrfsDevice, ...]


def has_btrfs(host: Host) -> bool:
    """Return whether one is mounted."""
    return any(name != "features" for name in listed(f"{host.sys}/fs/btrfs"))


def read_btrfs(host: Host, mounts: Iterable[Mount]) -> list[Btrfs]:
    """Return the filesystems, sorted by name; each name occurs once."""
    base = f"{host.sys}/fs/btrfs"
    found: dict[str, Btrfs] = {}
    mounted = [mount for mount in mounts if mount.fstype == "btrfs"]
    for uuid in listed(base):
        found_numbers = (plain_int(name) for name in listed(f"{base}/{uuid}/devinfo"))
        numbers = sorted(number for number in found_numbers if number is not None)
        if numbers:
            label = printable(read_text(f"{base}/{uuid}/label") or "")
            name = f"{label} {uuid}" if label in found else label or printable(uuid)
            found[name] = _read(host, f"{base}/{uuid}", name, numbers, mounted)
    return [found[name] for name in sorted(found)]


def _read(host: Host, folder: str, name: str, numbers: Sequence[int], mounts: Iterable[Mount]) -> Btrfs:
    names = [device_name(host, each) for each in listed(f"{folder}/devices")]
    missing = {number: read_int(f"{folder}/devinfo/{number}/missing") for number in numbers}
    present = [number for number, is_missing in missing.items() if not is_missing]
    mountpoint = next((each.mountpoint for each in mounts if each.device.removeprefix("/dev/") in names), None)
    known: dict[int, str] = {}
    if len(names) == len(present) == 1:
        known = {present[0]: names[0]}
    elif mountpoint is not None:
        known = _names(host, mountpoint, present)
    devices = tuple(
        BtrfsDevice(
            number,
            known.get(number),
            bool(missing[number]) if missing[number] in {0, 1} else None,
            _errors(read_text(f"{folder}/devinfo/{number}/error_stats") or ""),
        )
        for number in numbers
    )
    return Btrfs(name, mountpoint, devices)


def _errors(text: str) -> dict[str, float]:
    """Return the counters by kind: "write_errs 0", a line each. Since Linux 5.14."""
    pairs = (line.split() for line in text.split("\n"))
    return {pair[0]: counter(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] in KINDS}


def _names(host: Host, mountpoint: str, numbers: Iterable[int]) -> dict[int, str]:
    """Ask the filesystem for its devices' names: /sys has names and numbers, but not which is whose."""
    if fcntl is None:
        return {}
    try:
        folder = os.open(f"{host.rootfs}{mountpoint}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return {}
    names = {}
    try:
        for number in numbers:
            answer = bytearray(ARGUMENT)
            struct.pack_into("=Q", answer, 0, number)
            fcntl.ioctl(folder, DEV_INFO, answer)
            path = bytes(answer[PATH:]).split(b"\0")[0].decode(errors="replace")
            if path:
                names[number] = printable(path.removeprefix("/dev/"))
    except OSError:  # not a btrfs, as where another mount has come over it, or a device that has just gone
        return names
    finally:
        os.close(folder)
    return names
