"""The mount table, as the kernel writes it and as psutil returns it."""

from __future__ import annotations

import pytest

from exporter.sources.mounts import Mount, from_psutil, parse_mountinfo, visible, without_repeats
from tests.psutil_shapes import Part

ROOT = "28 1 259:2 / / rw,relatime shared:1 master:2 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro\n"


def test_a_line_has_device_mountpoint_type_and_numbers_after_any_number_of_optional_fields() -> None:
    expected = Mount(
        "/dev/nvme0n1p2",
        "/",
        "ext4",
        readonly=False,
        device_number="259:2",
        root="/",
        identity="28",
        parent="1",
        flags=("rw", "relatime"),
        options=("rw", "errors=remount-ro"),
    )
    assert parse_mountinfo(ROOT) == [expected]
    assert parse_mountinfo(ROOT.replace("shared:1 master:2 ", "")) == [expected]


@pytest.mark.parametrize(
    ("escaped", "path"),
    [
        (r"/My\040Disk", "/My Disk"),
        (r"/a\011b\012c", "/a\tb\nc"),
        (r"/back\134slash", "/back\\slash"),
        (r"/not\134040space", r"/not\040space"),
        (r"/hash\043", "/hash#"),
        ("/ümlaut", "/ümlaut"),
        # The kernel does not escape these characters, and Python takes all of them for line ends.
        ("/form\x0cfeed", "/form\x0cfeed"),
        ("/next\x85line", "/next\x85line"),
        ("/line\u2028separator", "/line\u2028separator"),
        ("/carriage\rreturn", "/carriage\rreturn"),
    ],
)
def test_paths_are_read_as_they_are(escaped: str, path: str) -> None:
    mounts = parse_mountinfo(f"1 0 8:1 / {escaped} rw - ext4 /dev/sda1 rw\n{ROOT}")
    assert [mount.mountpoint for mount in mounts] == [path, "/"]


@pytest.mark.parametrize(
    ("options", "superblock", "readonly"),
    [
        ("rw", "rw", False),
        ("ro,nosuid", "rw", True),
        ("rw", "ro,errors=remount-ro", True),
        ("rw,errors=ro", "rw", False),
    ],
)
def test_a_mount_is_read_only_by_its_own_options_or_by_those_of_its_filesystem(
    options: str, superblock: str, readonly: bool
) -> None:
    [mount] = parse_mountinfo(f"1 0 8:1 / / {options} - ext4 /dev/sda1 {superblock}\n")
    assert mount.readonly is readonly


@pytest.mark.parametrize(
    "line", ["", "nonsense", "1 0 8:1 / /", "1 0 8:1 / / rw - ", "1 0 8:1 / / rw shared:1 ext4 x rw"]
)
def test_a_line_that_is_not_a_mount_is_skipped(line: str) -> None:
    assert [mount.mountpoint for mount in parse_mountinfo(f"{line}\n{ROOT}")] == ["/"]


def mount(mountpoint: str, device: str = "/dev/sda1", root: str = "/", number: str = "8:1") -> Mount:
    return Mount(device, mountpoint, "ext4", readonly=False, device_number=number, root=root)


def test_a_later_mount_on_the_same_path_covers_the_first() -> None:
    mounts = [mount("/mnt", "/dev/sdb1"), mount("/"), mount("/mnt", "/dev/sdc1")]
    assert {shown.mountpoint: shown.device for shown in visible(mounts)} == {"/mnt": "/dev/sdc1", "/": "/dev/sda1"}


@pytest.mark.parametrize(
    ("tree", "shown"),
    [
        ("a on root at /a, b on a at /a/b", "root a b"),
        # A third one over /a hides what is mounted below it, as well as the first.
        ("a on root at /a, b on a at /a/b, c on a at /a", "root c"),
        ("a on root at /a, b on a at /a/b, c on a at /a, d on c at /a/b", "root c d"),
        # Over a folder of the same filesystem above the mountpoint, at any depth.
        ("a on root at /a/b/c, b on root at /a", "root b"),
        ("a on root at /a/b, b on root at /a/bc", "root a b"),
        # What is mounted on a hidden one is hidden too.
        ("a on root at /a/b, b on a at /a/b/c, c on root at /a", "root c"),
        ("a on root at /a, b on root at /, c on b at /a", "b c"),
        # Process 1 may live in a folder of a filesystem whose own mount it cannot see (chroot).
        ("a on nothing at /a, b on nothing at /a/b", "root a b"),
        ("a on a at /a", "root a"),
    ],
)
def test_a_mount_that_a_later_one_covers_is_not_seen(tree: str, shown: str) -> None:
    lines = ["root 0 8:1 / / rw - ext4 root rw"]
    for number, mounted in enumerate(tree.split(", ")):
        name, _, parent, _, path = mounted.split(" ")
        lines.append(f"{name} {parent} 9:{number} / {path} rw - ext4 {name} rw")
    assert [mount.device for mount in visible(parse_mountinfo("\n".join(lines)))] == shown.split(" ")


def test_a_root_mounted_over_an_initial_rootfs_that_is_its_own_parent_is_seen() -> None:
    tree = (
        "1 1 0:2 / / rw - rootfs rootfs rw\n"
        "28 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "29 28 8:2 / /data rw - ext4 /dev/sda2 rw\n"
    )
    assert [mount.device for mount in visible(parse_mountinfo(tree))] == ["/dev/sda1", "/dev/sda2"]


@pytest.mark.parametrize(
    ("fstype", "options", "viewer"),
    [
        ("fuse.sshfs", "rw,user_id=1000,group_id=1000", 1000),
        ("fuse", "ro,user_id=0,group_id=0", 0),
        ("fuse.sshfs", "rw,user_id=1000,group_id=1000,allow_other", None),
        ("fuseblk", "rw,user_id=0,group_id=0,default_permissions,allow_other,blksize=4096", None),
        ("fuse.odd", "rw", None),
        ("fuse.odd", "rw,user_id=", None),
        ("ext4", "rw,user_id=1000", None),
    ],
)
def test_a_filesystem_of_another_user_says_whose_it_is(fstype: str, options: str, viewer: int | None) -> None:
    [found] = parse_mountinfo(f"1 0 0:50 / /mnt rw - {fstype} source {options}\n")
    assert found.viewer == viewer


@pytest.mark.parametrize(
    ("mounts", "shown"),
    [
        ([mount("/srv", root="/data"), mount("/")], ["/"]),
        ([mount("/long/path"), mount("/short")], ["/short"]),
        # Only parts of it are mounted: one of them represents the filesystem.
        ([mount("/b/deep", root="/b"), mount("/a", root="/a")], ["/a"]),
        ([mount("/", number="0:31", root="/@"), mount("/home", number="0:31", root="/@home")], ["/"]),
        ([mount("/a", "/dev/fuse", number="0:50"), mount("/b", "/dev/fuse", number="0:51")], ["/a", "/b"]),
        ([mount("/mnt/a", "nas:/a", number="0:50"), mount("/mnt/b", "nas:/a", number="0:51")], ["/mnt/a", "/mnt/b"]),
        ([mount("/b", "none", number="0:60"), mount("/a", "none", number="0:61")], ["/a", "/b"]),
    ],
)
def test_each_filesystem_is_shown_once_by_its_shortest_mount_of_the_whole(
    mounts: list[Mount], shown: list[str]
) -> None:
    assert [each.mountpoint for each in without_repeats(mounts)] == shown


def test_psutil_partitions_are_mounts_except_optical_drives() -> None:
    parts = [
        Part("C:\\", "C:\\", "NTFS", "rw,fixed"),
        Part("D:\\", "D:\\", "", "cdrom"),
        Part("E:\\", "E:\\", "UDF", "ro,cdrom"),
        Part("G:\\", "G:\\", "", "rw,removable"),
        Part("/dev/disk1", "/", "apfs", "ro,local,rootfs"),
    ]
    assert [(each.mountpoint, each.readonly) for each in from_psutil(parts)] == [("C:\\", False), ("/", True)]


def test_a_windows_volume_in_a_folder_is_not_the_drive_of_that_folder() -> None:
    parts = [
        Part("C:\\", "C:\\data\\", "NTFS", "rw"),
        Part("C:\\", "C:\\", "NTFS", "rw,fixed"),
        Part("/dev/disk4s1", "/Volumes/Stick", "exfat", "rw"),
    ]
    mounts = from_psutil(parts)
    assert [each.device for each in mounts] == ["C:\\data\\", "C:\\", "/dev/disk4s1"]
    assert len(without_repeats(mounts)) == 3
