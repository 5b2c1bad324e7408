"""Which disks pass their traffic on to other disks, which count it as well, by /sys/block."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from exporter.sources.host import read_flag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exporter.sources.host import Host

_STACKED = re.compile(r"(?:dm-|md|md_d|zd|drbd|loop|ploop|bcache|VxDMP)\d+|md_.+|emcpower[a-z]+").fullmatch
"""Disks that are built on others. Not all drivers list those in "slaves": ZFS volumes, DRBD, loops over a file."""

_PATH = re.compile(r"(nvme\d+)c\d+(n\d+)").fullmatch
"""One of the paths to a namespace of an NVMe disk: nvme0c1n1 is a path to nvme0n1."""

_NUMBER = re.compile(r"(.*?)(\d+)").fullmatch


def whole_disks(host: Host) -> set[str] | None:
    """Return the names of whole disks, as opposed to partitions, or None if the system does not say."""
    try:
        # A "/" in a device's name (cciss/c0d0) is a "!" in /sys.
        return {name.replace("!", "/") for name in os.listdir(f"{host.sys}/block")}
    except OSError:
        return None


def is_partition(name: str, names: Collection[str]) -> bool:
    """Return whether a device is, by its name, a partition of another one: sda1 of sda, nvme0n1p1 of nvme0n1."""
    found = _NUMBER(name)
    if not found:
        return False
    disk = found[1]
    if disk.endswith("p") and disk[-2:-1].isdigit():
        return disk[:-1] in names
    return disk in names and not disk[-1:].isdigit()


def is_stacked(host: Host, name: str) -> bool:
    """Return whether a disk is built on others: by its "slaves" in /sys/block, or by its driver's name for it."""
    if _STACKED(name):
        return True
    try:
        return bool(os.listdir(f"{host.sys}/block/{name.replace('/', '!')}/slaves"))
    except OSError:
        return False


def is_rotational(host: Host, name: str) -> bool | None:
    """Return whether a disk spins, None if the system does not say. SSDs do not, nor do SD cards.

    USB adapters and virtual machines mostly do not know: then Linux takes it for one that spins.
    """
    return read_flag(f"{host.sys}/block/{name.replace('/', '!')}/queue/rotational")


def is_hidden(host: Host, name: str, used: Mapping[str, bool]) -> bool:
    """Return whether a disk is nothing but a path to another one, which counts its traffic.

    Linux marks a path to an NVMe namespace as hidden: it has no device file. Before Linux 6.4 only the paths were
    counted, not the namespace (``used`` is False): then a path stands for it.
    """
    if not read_flag(f"{host.sys}/block/{name.replace('/', '!')}/hidden"):
        return False
    path = _PATH(name)
    return path is None or used.get(path[1] + path[2], False)
