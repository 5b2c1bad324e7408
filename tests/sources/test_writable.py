"""A filesystem is read-only if nothing can be written to it at all, and says whether that is because of an error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.sources.filesystems import FAILED
from exporter.sources.host import LINUX, Host
from exporter.sources.mount_table import MountTable
from exporter.sources.mounts import parse_mountinfo
from exporter.sources.writable import answered, filesystems

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.sources.mounts import Mount

DISK = "1 0 8:1 / {place} {flags} - {fstype} /dev/sda1 {options}\n"


def line(flags: str, options: str, place: str = "/", fstype: str = "ext4") -> str:
    return DISK.format(flags=flags, options=options, place=place, fstype=fstype)


def told(*lines: str, sandboxed: bool = False) -> tuple[bool, bool]:
    """Return what all mounts of one filesystem say of it: whether it is read-only, and whether it was stopped."""
    mounts = filesystems(parse_mountinfo("".join(lines)), sandboxed=sandboxed)
    [answer] = {(mount.readonly, mount.stopped) for mount in mounts}
    return answer


@pytest.mark.parametrize(
    ("lines", "readonly"),
    [
        ([line("rw", "rw")], False),
        ([line("ro", "ro")], True),
        ([line("ro", "rw")], True),
        # ostree, NixOS: the disk is mounted read-only at one place and writable at another.
        ([line("ro", "rw", "/sysroot"), line("rw", "rw", "/var")], False),
        ([line("rw", "rw"), line("ro", "rw", "/nix/store")], False),
        ([line("ro", "rw", "/a"), line("ro,nosuid", "rw", "/b")], True),
        # A bind mount keeps the flag that it was made with; the filesystem decides.
        ([line("ro", "ro"), line("rw", "ro", "/srv")], True),
        # Images are read-only by nature, whatever their mounts say.
        ([line("rw", "ro", fstype="squashfs")], True),
        ([line("rw", "ro", fstype="zfs")], True),
        ([line("rw", "ro", fstype="fuse.Some.AppImage")], True),
    ],
)
def test_a_filesystem_is_read_only_if_no_mount_of_it_can_be_written(lines: list[str], readonly: bool) -> None:
    assert told(*lines) == (readonly, False)


@pytest.mark.parametrize(
    "lines",
    [
        [line("rw", "rw,errors=remount-ro,emergency_ro")],
        [line("rw", "rw,shutdown")],
        [line("ro", "rw,emergency_ro", "/sysroot"), line("rw", "rw,emergency_ro", "/var")],
        # Before Linux 6.12, and btrfs: nobody has marked a mount, so it was the kernel itself.
        [line("rw", "ro,errors=remount-ro")],
        [line("rw", "ro", "/", "btrfs"), line("rw", "ro", "/home", "btrfs")],
        [line("rw", "ro,errors=remount-ro", fstype="vfat")],
    ],
)
def test_a_filesystem_that_the_kernel_stopped_writing_to_is_read_only_and_says_why(lines: list[str]) -> None:
    assert told(*lines) == (True, True)


def test_a_service_that_may_write_nowhere_does_not_take_its_own_mounts_for_the_machines() -> None:
    """ProtectSystem=strict makes every mount of the service read-only, and hidepid may leave it no others to read."""
    assert told(line("ro", "rw"), line("ro", "rw", "/srv"), sandboxed=True) == (False, False)
    assert told(line("ro", "ro"), sandboxed=True) == (True, False)
    assert told(line("rw", "ro"), sandboxed=True) == (True, False)
    assert told(line("ro", "rw,emergency_ro"), sandboxed=True) == (True, True)


def test_an_xfs_that_has_shut_down_answers_nothing_but_an_error() -> None:
    xfs, ext4 = (parse_mountinfo(line("rw", "rw", fstype=fstype))[0] for fstype in ("xfs", "ext4"))
    assert (answered(xfs, FAILED).readonly, answered(xfs, FAILED).stopped) == (True, True)
    assert answered(xfs, "no answer within 2 s") == xfs
    assert answered(ext4, FAILED) == ext4


class Disk:
    """An ext4 on a machine whose kernel may hide that it has stopped."""

    def __init__(self, root: Path, kernel: str, options: str = "rw,errors=remount-ro", flags: str = "rw") -> None:
        self.root = root
        self.write("proc/sys/kernel/osrelease", kernel)
        self.write("proc/1/mountinfo", line(flags, options) + line(flags, options, "/srv"))
        self.write("sys/devices/pci/sda/sda1/dev", "8:1")
        (root / "sys/dev/block").mkdir(parents=True)
        (root / "sys/dev/block/8:1").symlink_to("../../devices/pci/sda/sda1")
        self.table = MountTable(Host(str(root)))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")

    def fails(self, count: str = "3", last: float | None = None) -> None:
        self.write("sys/fs/ext4/sda1/errors_count", count)
        self.write("sys/fs/ext4/sda1/last_error_time", f"{time.time() if last is None else last:.0f}")

    def mounts(self) -> list[Mount]:
        return self.table.read()

    def stopped(self) -> bool:
        [answer] = {(mount.readonly, mount.stopped) for mount in self.mounts()}
        assert answer[0] is answer[1]
        return answer[0]


linux = pytest.mark.skipif(not LINUX, reason="ext4 is Linux'")


@linux
@pytest.mark.parametrize(
    ("kernel", "hidden"),
    [
        ("6.11.11-amd64", False),
        ("6.12.57+deb13-amd64", True),
        ("6.14.0-36-generic", True),
        ("6.15.0", False),
        ("7.0.1", False),
        ("5.13.0", False),
        ("odd", False),
    ],
)
def test_errors_tell_that_it_has_stopped_where_the_kernel_does_not(tmp_path: Path, kernel: str, hidden: bool) -> None:
    disk = Disk(tmp_path, kernel)
    assert not disk.stopped()
    disk.fails("0", 0)
    assert not disk.stopped()
    disk.fails()
    assert disk.stopped() is hidden


@linux
def test_an_error_before_the_machine_booted_says_nothing_about_now(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "6.12.1")
    disk.fails(last=1_000_000_000)
    assert not disk.stopped()


@linux
@pytest.mark.parametrize("options", ["rw", "rw,errors=continue"])
def test_an_ext4_that_goes_on_after_errors_has_not_stopped(tmp_path: Path, options: str) -> None:
    disk = Disk(tmp_path, "6.12.1", options)
    disk.fails()
    assert not disk.stopped()


@linux
def test_one_that_is_mounted_read_only_has_not_stopped(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "6.12.1", "ro,errors=remount-ro", "ro")
    disk.fails()
    assert {(mount.readonly, mount.stopped) for mount in disk.mounts()} == {(True, False)}


@linux
def test_a_disk_without_a_folder_in_sys_is_taken_to_work(tmp_path: Path) -> None:
    disk = Disk(tmp_path, "6.12.1")
    (tmp_path / "sys/dev/block/8:1").unlink()
    disk.fails()
    assert not disk.stopped()
