"""Storage that meets errors, is no longer written, or loses its redundancy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support_faults import Mirror, ext4_error, filesystem
from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from tests.tools.ways.machine import Machine


def _ext4(machine: Machine, options: str) -> None:
    """Give a machine a second filesystem, /data, and what its kernel says of it."""
    mounted = filesystem(machine.folder / "data", machine.tree.root / "data", options=options)
    device = os.path.basename(machine.stack.enter_context(mounted))
    machine.tree.bind(f"sys/fs/ext4/{device}", f"/sys/fs/ext4/{device}")


def _stopping(machine: Machine) -> None:
    _ext4(machine, "errors=remount-ro")


def _going_on(machine: Machine) -> None:
    _ext4(machine, "errors=continue")


def _error(machine: Machine) -> None:
    ext4_error(next((machine.tree.root / "sys/fs/ext4").iterdir()).name)


class _Mirrors:
    """The btrfs mirrors, by machine."""

    def __init__(self) -> None:
        self._of: dict[str, Mirror] = {}

    def prepare(self, machine: Machine) -> None:
        machine.tree.bind("sys/fs/btrfs", "/sys/fs/btrfs")
        mirror = Mirror(machine.folder, machine.tree.root / "data")
        self._of[machine.name] = machine.stack.enter_context(mirror)

    def strike(self, machine: Machine) -> None:
        self._of[machine.name].lose_a_disk()


MIRRORS = _Mirrors()


def _raid(machine: Machine, second: str = "in_sync") -> None:
    """Give a machine a mirror of two disks; ``second`` is the state of the second one, "" if it is gone."""
    folder, tree = "sys/block/md0/md", machine.tree
    whole = second == "in_sync"
    figures = {
        "array_state": "clean",
        "level": "raid1",
        "raid_disks": "2",
        "metadata_version": "1.2",
        "degraded": "0" if whole else "1",
        "sync_action": "idle",
        "sync_completed": "none",
        "dev-sda1/state": "in_sync",
        "dev-sda1/slot": "0",
    }
    if second:
        figures |= {"dev-sdb1/state": second, "dev-sdb1/slot": "1" if whole else "none"}
    else:
        tree.remove(f"{folder}/dev-sdb1")
    for name, text in figures.items():
        tree.write(f"{folder}/{name}", f"{text}\n")
    tree.write("sys/block/md0/size", "1953260928\n")
    tree.write("sys/block/md0/dev", "9:0\n")
    member = {"in_sync": " sdb1[1]", "faulty": " sdb1[1](F)", "": ""}[second]
    disks = "[2/2] [UU]" if whole else "[2/1] [U_]"
    tree.write(
        "proc/mdstat",
        f"Personalities : [raid1] \nmd0 : active raid1 sda1[0]{member}\n"
        f"      976630464 blocks super 1.2 {disks}\n      \nunused devices: <none>\n",
    )


def _removed(machine: Machine) -> None:
    _raid(machine, "")


def _faulty(machine: Machine) -> None:
    _raid(machine, "faulty")


def _pool(machine: Machine, state: str = "ONLINE") -> None:
    machine.tree.write("proc/spl/kstat/zfs/tank/state", f"{state}\n")
    machine.tree.write("proc/spl/kstat/zfs/arcstats", "13 1 0x01 1 272 0 0\nname type data\nsize 4 1000000\n")


def _degraded(machine: Machine) -> None:
    _pool(machine, "DEGRADED")


WAYS = (
    Way(
        "read-only",
        "an ext4 meets an error, and the kernel stops writing to it",
        "HostFilesystemReadOnly",
        _error,
        _stopping,
        also="HostFilesystemErrors",
        real=True,
    ),
    Way(
        "errors",
        "an ext4 meets an error, and goes on (`errors=continue`)",
        "HostFilesystemErrors",
        _error,
        _going_on,
        real=True,
    ),
    Way("mirror", "a btrfs mirror loses a disk", "HostPoolDegraded", MIRRORS.strike, MIRRORS.prepare, real=True),
    Way("raid-removed", "a disk of an md RAID is gone (removed)", "HostRaidDegraded", _removed, _raid),
    Way("raid-faulty", "a disk of an md RAID fails (faulty)", "HostRaidDegraded", _faulty, _raid),
    Way(
        "raid-before",
        "an md RAID that had lost a disk before anybody watched",
        "HostRaidDegraded",
        _removed,
        _raid,
        from_the_start=True,
    ),
    Way("pool", "a ZFS pool is degraded", "HostPoolDegraded", _degraded, _pool),
)
