"""Shares of one server and folders of one host are one storage; two disks that look alike are two."""

from __future__ import annotations

import pytest

from exporter.sources.filesystems import Usage
from exporter.sources.mounts import Mount
from exporter.sources.storages import without_shared

TB = 10**12
FULL = Usage(4 * TB, 3 * TB, TB, 1000, 10)


def mount(place: str, device: str, fstype: str, *, number: str = "0:50", readonly: bool = False) -> Mount:
    return Mount(device, place, fstype, readonly=readonly, device_number=number)


def shown(*rows: tuple[Mount, Usage | str]) -> list[str]:
    return [mount.mountpoint for mount, _ in without_shared(rows)]


@pytest.mark.parametrize(
    ("fstype", "devices"),
    [
        ("nfs4", ("nas:/photos", "nas:/music")),
        ("nfs", ("[fd00::7]:/photos", "[fd00::7]:/music")),
        ("cifs", ("//nas/photos", "//nas/music")),
        ("ceph", ("10.0.0.1:6789,10.0.0.2:6789:/a", "10.0.0.1:6789,10.0.0.2:6789:/b")),
        ("fuse.sshfs", ("ann@nas:/photos", "ann@nas:")),
        ("9p", ("C:\\", "none")),
        ("virtiofs", ("photos", "music")),
        ("overlay", ("overlay", "overlay")),
    ],
)
def test_one_storage_is_shown_once(fstype: str, devices: tuple[str, str]) -> None:
    first, second = (mount(f"/mnt/{place}", device, fstype) for place, device in zip("ab", devices, strict=True))
    assert shown((first, FULL), (second, FULL)) == ["/mnt/a"]


@pytest.mark.parametrize(
    ("fstype", "devices"),
    [
        ("nfs4", ("nas:/photos", "attic:/photos")),
        ("cifs", ("//nas/photos", "//attic/photos")),
        ("fuse.rclone", ("drive:", "dropbox:")),
        # New disks of one model are empty to the same byte.
        ("ext4", ("/dev/sdb1", "/dev/sdc1")),
        ("btrfs", ("/dev/sdb1", "/dev/sdc1")),
        ("fuseblk", ("/dev/sdb1", "/dev/sdc1")),
        ("zfs", ("tank/a", "tank/b")),
        ("tmpfs", ("tmpfs", "tmpfs")),
        ("ubifs", ("ubi0:a", "ubi0:b")),
    ],
)
def test_storages_of_their_own_are_shown_however_alike(fstype: str, devices: tuple[str, str]) -> None:
    first, second = (mount(f"/mnt/{place}", device, fstype) for place, device in zip("ab", devices, strict=True))
    assert shown((first, FULL), (second, FULL)) == ["/mnt/a", "/mnt/b"]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Usage(4 * TB, 3 * TB + 10**8, TB - 10**8, 1000, 10), True),  # written to between the two calls
        (Usage(4 * TB, 3 * TB + 10**9, TB - 10**9, 1000, 10), False),
        (Usage(4 * TB, 3 * TB, TB - 10**9, 1000, 10), False),
        (Usage(4 * TB + 4096, 3 * TB, TB, 1000, 10), False),
        (Usage(4 * TB, 3 * TB, TB, 1000, 900), False),
    ],
)
def test_shares_of_one_server_are_one_storage_if_they_are_equally_full(other: Usage, same: bool) -> None:
    rows = [(mount("/mnt/a", "nas:/a", "nfs4"), FULL), (mount("/mnt/b", "nas:/b", "nfs4"), other)]
    assert shown(*rows) == (["/mnt/a"] if same else ["/mnt/a", "/mnt/b"])


def test_the_writable_one_is_shown_then_the_one_with_the_shortest_path() -> None:
    drivers = mount("/a", "none", "9p", readonly=True)
    deep, short = mount("/mnt/deep/c", "C:\\", "9p"), mount("/mnt/c", "C:\\", "9p")
    assert shown((drivers, FULL), (deep, FULL), (short, FULL)) == ["/mnt/c"]


def test_one_that_cannot_be_read_is_shown_and_hides_no_other() -> None:
    a, b = (mount(f"/mnt/{place}", f"nas:/{place}", "nfs4") for place in "ab")
    assert shown((a, "late"), (b, FULL)) == ["/mnt/a", "/mnt/b"]
    assert shown((a, "late"), (b, "late")) == ["/mnt/a", "/mnt/b"]


def test_filesystems_without_a_size_are_not_alike() -> None:
    nothing = Usage(0, 0, 0)
    rows = [(mount(f"/mnt/{place}", "x", "fuse.x"), nothing) for place in "ab"]
    assert shown(*rows) == ["/mnt/a", "/mnt/b"]


def test_a_windows_volume_with_two_paths_is_shown_at_its_drive_letter() -> None:
    def volume(place: str) -> Mount:
        return Mount(place, place, "NTFS", readonly=False)

    system, data = Usage(TB, TB // 2, TB // 2, device_number="77"), Usage(TB, TB // 2, TB // 2, device_number="99")
    rows = [(volume("C:\\"), system), (volume("C:\\data\\"), data), (volume("E:\\"), data), (volume("X:\\"), system)]
    assert shown(*rows) == ["C:\\", "E:\\"]
    unknown = Usage(TB, TB // 2, TB // 2)
    assert shown((volume("C:\\"), unknown), (volume("D:\\"), unknown)) == ["C:\\", "D:\\"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("fuse.sshfs", "ann@nas:/photos"), ("fuse.sshfs", "bob@nas:/photos")),
        (("nfs", "nas:/photos"), ("nfs4", "nas:/music")),
        (("nfs4", "nas:/photos"), ("cifs", "//NAS/music")),
        (("smb3", "//nas/photos"), ("cifs", "//nas/music")),
    ],
)
def test_a_server_is_one_storage_whatever_the_user_and_the_protocol(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    rows = [(mount(f"/mnt/{place}", each[1], each[0]), FULL) for place, each in zip("ab", (first, second), strict=True)]
    assert shown(*rows) == ["/mnt/a"]


@pytest.mark.parametrize(
    ("fstype", "device"),
    [
        ("fuse.bindfs", "/srv/photos"),
        ("fuse.gocryptfs", "/home/ann/.private"),
        ("ecryptfs", "/home/.ecryptfs/ann/.Private"),
        ("fuse.mergerfs", "1/a:1/b"),
    ],
)
def test_a_folder_shown_again_has_the_storage_of_its_disk(fstype: str, device: str) -> None:
    again = mount("/a", device, fstype, number="0:60")
    for disk in (mount("/home", "/dev/sda2", "ext4", number="8:2"), mount("/tank", "tank", "zfs", number="0:40")):
        assert shown((again, FULL), (disk, FULL)) == [disk.mountpoint]
        assert shown((again, FULL), (disk, Usage(4 * TB, TB, 3 * TB))) == ["/a", disk.mountpoint]
        assert shown((again, FULL), (disk, "late")) == ["/a", disk.mountpoint]


def test_the_root_of_a_container_is_shown_beside_the_files_that_are_mounted_in_it() -> None:
    root, file = mount("/", "overlay", "overlay"), mount("/etc/hosts", "/dev/sda1", "ext4", number="8:1")
    assert shown((root, FULL), (file, FULL)) == ["/", "/etc/hosts"]
