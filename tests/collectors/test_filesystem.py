"""Space and inodes of the filesystems that hold the owner's data."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import threading
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.filesystem import Filesystem, Filesystems, read
from exporter.machine import open_machine
from exporter.render.shares import shares
from exporter.render.words import sentences
from exporter.sources.filesystem_reader import FilesystemReader
from exporter.sources.host import LINUX
from exporter.thresholds import Level
from tests.machines import FixtureMachine
from tests.psutil_shapes import Part
from tests.psutil_shapes import Usage as PsutilUsage

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.sources.filesystems import Usage
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter

GIB = 2**30
OTHER = "not visible from here: another filesystem answers at this path"


def by_mountpoint(machine: FixtureMachine) -> dict[str, Filesystem]:
    return {filesystem.mountpoint: filesystem for filesystem in machine.read(Filesystems).filesystems}


def test_the_laptop_shows_its_data_and_neither_pseudo_filesystems_nor_repeats(laptop: FixtureMachine) -> None:
    assert list(by_mountpoint(laptop)) == ["/", "/boot/efi", "/home", "/media/ann/My Disk", "/mnt/late", "/mnt/nas"]


def test_the_space_of_prometheus_is_exported_although_its_folder_is_no_filesystem_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch, prometheus_data="/prometheus")
    exposition = laptop.exposition(laptop.sample())
    assert exposition.value("host_prometheus_disk_size_bytes") == 100 * GIB
    assert exposition.value("host_prometheus_disk_available_bytes") == 19 * GIB
    assert exposition.value("host_filesystem_size_bytes", mountpoint="/prometheus") is None


@pytest.mark.parametrize("hangs", [False, True], ids=["gone", "hanging"])
def test_a_folder_of_prometheus_that_cannot_be_read_costs_its_figures_only(
    hangs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch, prometheus_data="/gone", filesystem_timeout=0.2)
    released = threading.Event()

    def probe(path: str) -> Usage:
        if path == "/gone" and hangs:
            released.wait()
        return laptop.probe(path)

    laptop.machine.filesystems = FilesystemReader(probe, 0.2)
    exposition = laptop.exposition(laptop.sample())
    released.set()
    assert exposition.value("host_prometheus_disk_size_bytes") is None
    assert exposition.value("host_prometheus_disk_available_bytes") is None
    assert exposition.value("host_filesystem_size_bytes", mountpoint="/") == 100 * GIB
    assert exposition.value("host_exporter_collector_success", collector="filesystem") == 1
    assert exposition.value("host_exporter_values_dropped_total", collector="filesystem") == 1


def test_without_the_setting_nothing_is_said_of_prometheus(laptop: FixtureMachine) -> None:
    assert laptop.exposition(laptop.sample()).value("host_prometheus_disk_size_bytes") is None


def test_usage_is_as_in_df_with_space_reserved_for_root_not_available(laptop: FixtureMachine) -> None:
    assert by_mountpoint(laptop)["/"] == Filesystem(
        device="/dev/nvme0n1p2",
        mountpoint="/",
        fstype="ext4",
        readonly=False,
        error=None,
        size_bytes=100 * GIB,
        used_bytes=76 * GIB,
        available_bytes=19 * GIB,
        usage_ratio=0.8,
        inodes_usage_ratio=0.1,
    )


def test_a_filesystem_without_a_fixed_number_of_inodes_has_no_inode_series(laptop: FixtureMachine) -> None:
    exposition = laptop.exposition()
    assert exposition.value("host_filesystem_inodes_usage_ratio", mountpoint="/boot/efi") is None
    assert exposition.value("host_filesystem_size_bytes", mountpoint="/boot/efi") == 512 * 2**20


def test_a_read_only_mount_is_marked(laptop: FixtureMachine) -> None:
    exposition = laptop.exposition()
    assert exposition.value("host_filesystem_readonly", mountpoint="/media/ann/My Disk") == 1
    assert exposition.value("host_filesystem_readonly", mountpoint="/") == 0


def test_another_filesystem_is_never_shown_under_a_mounts_name(laptop: FixtureMachine) -> None:
    """Without mount propagation, the path of a later mount leads to the disk below it inside our container."""
    late = by_mountpoint(laptop)["/mnt/late"]
    assert late == Filesystem("/dev/sdc1", "/mnt/late", "ext4", readonly=False, error=OTHER)
    exposition = laptop.exposition()
    assert exposition.value("host_filesystem_error", mountpoint="/mnt/late") == 1
    for name in ("size_bytes", "used_bytes", "available_bytes", "usage_ratio", "inodes_usage_ratio"):
        assert exposition.value(f"host_filesystem_{name}", mountpoint="/mnt/late") is None


def test_a_filesystem_that_returns_an_error_costs_only_its_own_figures(laptop: FixtureMachine) -> None:
    figures = json.loads(laptop.path("filesystems.json").read_text())
    del figures["/mnt/nas"]
    laptop.write("filesystems.json", json.dumps(figures))
    shown = by_mountpoint(laptop)
    assert shown["/mnt/nas"].error == "No such file or directory"
    assert shown["/home"].usage_ratio == 0.25


def test_the_fullest_is_one_that_could_be_read(laptop: FixtureMachine) -> None:
    fullest = laptop.read(Filesystems).fullest()
    assert fullest is not None
    assert fullest.mountpoint == "/mnt/nas"
    assert Filesystems((replace(fullest, usage_ratio=None),)).fullest() is None


def test_what_cannot_be_written_is_never_the_fullest_and_has_no_level(laptop: FixtureMachine) -> None:
    """Images, discs and snapshots are full by nature, of bytes and of inodes."""
    disk = "/media/ann/My Disk"
    figures = json.loads(laptop.path("filesystems.json").read_text())
    figures[disk] |= {"used_bytes": figures[disk]["size_bytes"], "available_bytes": 0, "inodes": 9, "inodes_used": 9}
    laptop.write("filesystems.json", json.dumps(figures))
    snapshot = laptop.sample()
    section = snapshot.section(Filesystems)
    assert section is not None
    [full] = [each for each in section.filesystems if each.mountpoint == disk]
    assert (full.readonly, full.usage_ratio, full.inodes_usage_ratio) == (True, 1.0, 1.0)
    assert not [finding for finding in snapshot.assessed() if finding.subject == disk]
    assert section.fullest() != full
    assert laptop.exposition(snapshot).value("host_filesystem_usage_ratio", mountpoint=disk) == 1
    [share] = [each for each in shares(snapshot, laptop.settings.thresholds()) if each.name == disk]
    assert (share.limits, share.level, share.detail) == ((), Level.OK, "0\u00a0B available, exfat, read-only")


def test_a_filesystem_that_the_kernel_stopped_writing_to_is_critical(laptop: FixtureMachine) -> None:
    mounts = laptop.path("proc/1/mountinfo").read_text()
    laptop.write("proc/1/mountinfo", mounts.replace("xfs /dev/mapper/home rw", "ext4 /dev/mapper/home rw,emergency_ro"))
    snapshot = laptop.sample()
    [finding] = [each for each in snapshot.findings() if each.subject == "/home"]
    assert (finding.kind, finding.level) == ("HostFilesystemReadOnly", Level.CRITICAL)
    words = "Filesystem /home is read-only: the kernel stopped writing to it, as it does after an error"
    assert words in [text for _, text in sentences(snapshot)]
    assert laptop.exposition(snapshot).value("host_filesystem_readonly", mountpoint="/home") == 1


ROOM = 1000
SPACE = {"size_bytes": ROOM, "used_bytes": 600, "available_bytes": 300, "inodes": 100, "inodes_used": 40}


@pytest.mark.parametrize(
    ("odd", "right", "dropped"),
    [
        ({}, {"usage_ratio": 600 / 900, "inodes_usage_ratio": 0.4}, 0),
        # WSL's 9p: 999 inodes, 1,000,000 of them free.
        ({"inodes": 999, "inodes_used": -999_001}, {"inodes_usage_ratio": None}, 1),
        ({"inodes": 100, "inodes_used": 101}, {"inodes_usage_ratio": None}, 1),
        ({"inodes": -16, "inodes_used": 4}, {"inodes_usage_ratio": None}, 1),
        ({"inodes": 0, "inodes_used": 0}, {"inodes_usage_ratio": None}, 0),
        # More free than there is.
        ({"used_bytes": -500}, {"used_bytes": None, "usage_ratio": None, "available_bytes": 300}, 2),
        (
            {"used_bytes": -500, "available_bytes": 1500},
            {"size_bytes": ROOM, "used_bytes": None, "usage_ratio": None, "available_bytes": None},
            3,
        ),
        ({"available_bytes": 1001}, {"used_bytes": 600, "usage_ratio": None, "available_bytes": None}, 2),
        ({"size_bytes": -1}, dict.fromkeys(("size_bytes", "used_bytes", "usage_ratio", "available_bytes")), 4),
        # Root has used some of what is reserved for it: nothing is left for others, as df shows it.
        ({"used_bytes": 980, "available_bytes": -30}, {"available_bytes": 0, "usage_ratio": 1.0}, 0),
        ({"used_bytes": 100, "available_bytes": -1}, {"available_bytes": None, "usage_ratio": None}, 2),
        # A filesystem that reports no size has none; it is not full.
        (
            {"size_bytes": 0, "used_bytes": 0, "available_bytes": 0},
            dict.fromkeys(("size_bytes", "used_bytes", "usage_ratio", "available_bytes")),
            0,
        ),
    ],
)
def test_a_figure_that_cannot_be_is_absent_and_its_neighbours_stay(
    laptop: FixtureMachine, odd: dict[str, int], right: dict[str, float | None], dropped: int
) -> None:
    figures = json.loads(laptop.path("filesystems.json").read_text())
    before = {path: row for path, row in by_mountpoint(laptop).items() if path != "/home"}
    laptop.write("filesystems.json", json.dumps({**figures, "/home": {**SPACE, "device_number": "253:0", **odd}}))
    snapshot = laptop.sample()
    [reading] = [each for each in snapshot.readings if each.collector == "filesystem"]
    assert (reading.error, reading.dropped) == (None, dropped)
    assert isinstance(reading.section, Filesystems)
    after = {row.mountpoint: row for row in reading.section.filesystems}
    home = asdict(after.pop("/home"))
    assert {name: home[name] for name in right} == right
    assert after == before


def test_a_fuse_filesystem_of_another_user_is_left_out(laptop: FixtureMachine) -> None:
    """The kernel shows it to nobody else, not even to root: it is no error of that machine."""
    mounts = laptop.path("proc/1/mountinfo").read_text()
    mine, other = os.geteuid(), os.geteuid() + 1
    added = (
        f"50 28 0:60 / /run/user/1/other rw - fuse.sshfs nas: rw,user_id={other},group_id=1\n"
        f"51 28 0:61 / /run/user/1/open rw - fuse.sshfs nas: rw,user_id={other},group_id=1,allow_other\n"
        f"52 28 0:62 / /run/user/1/mine rw - fuse.sshfs attic: rw,user_id={mine},group_id=1\n"
    )
    laptop.write("proc/1/mountinfo", mounts + added)
    shown = {path: row.error for path, row in by_mountpoint(laptop).items() if path.startswith("/run/user")}
    assert shown == dict.fromkeys(("/run/user/1/mine", "/run/user/1/open"), "No such file or directory")


@pytest.mark.parametrize(("fstype", "shown"), [("fuse.kio-fuse", False), ("ext4", True)])
def test_a_fuse_filesystem_that_may_not_be_looked_at_is_left_out(
    server: FixtureMachine, fstype: str, shown: bool
) -> None:
    """Such as one in a folder of another user. Others are reported: the owner can let the exporter read them."""

    def probe(path: str) -> Usage:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    machine = open_machine(server.settings, probe=probe)
    server.write("proc/1/mountinfo", f"1 0 0:60 / /run/user/1/kio rw - {fstype} kio rw,allow_other\n")
    found = read(machine, None).filesystems
    assert [row.error for row in found] == (["Permission denied"] if shown else [])


def test_shares_of_one_storage_are_shown_once_unless_all_mounts_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WSL mounts the drive C: three times, each with a number of its own."""
    mounts = (
        "1 0 8:32 / / rw - ext4 /dev/sdc rw\n"
        "2 1 0:33 / /drivers ro - 9p none ro,aname=drivers\n"
        "3 1 0:60 / /mnt/c rw - 9p C:\\134 rw,aname=drvfs\n"
        "4 1 0:62 / /Docker/host rw - 9p C:\\134Docker rw,aname=drvfs\n"
    )
    figures = {
        place: {"size_bytes": 500, "used_bytes": 460, "available_bytes": 40, "device_number": number}
        for place, number in {"/": "8:32", "/drivers": "0:33", "/mnt/c": "0:60", "/Docker/host": "0:62"}.items()
    }
    for all_of_them, shown in ((False, ["/", "/mnt/c"]), (True, ["/", "/drivers", "/mnt/c", "/Docker/host"])):
        machine = FixtureMachine("server", tmp_path / str(all_of_them), monkeypatch, bind_mounts=all_of_them)
        machine.write("proc/1/mountinfo", mounts)
        machine.write("filesystems.json", json.dumps(figures))
        assert list(by_mountpoint(machine)) == shown


def test_btrfs_subvolumes_are_one_filesystem_with_several_numbers_in_stat(
    server: FixtureMachine,
) -> None:
    server.write(
        "proc/1/mountinfo", "1 0 0:30 /@ / rw - btrfs /dev/vda2 rw\n2 1 0:30 /@home /home rw - btrfs /dev/vda2 rw\n"
    )
    usage = {"size_bytes": 100, "used_bytes": 20, "available_bytes": 60, "device_number": "0:31"}
    server.write("filesystems.json", json.dumps({"/": usage}))
    assert [(shown.mountpoint, shown.error, shown.usage_ratio) for shown in server.read(Filesystems).filesystems] == [
        ("/", None, 0.25)
    ]
    server.write("filesystems.json", json.dumps({"/": {**usage, "is_mountpoint": False}}))
    assert by_mountpoint(server)["/"].error == OTHER


def test_an_empty_filesystem_has_no_ratio(server: FixtureMachine) -> None:
    usage = {"size_bytes": 0, "used_bytes": 0, "available_bytes": 0, "device_number": "254:1"}
    server.write("filesystems.json", json.dumps({"/": usage}))
    assert by_mountpoint(server)["/"].usage_ratio is None


@pytest.mark.parametrize(
    ("setting", "value", "more", "fewer"),
    [
        ("bind_mounts", True, {"/srv/data"}, set()),
        (
            "exclude_fstypes",
            "proc,sysfs,devtmpfs",
            {"/run", "/snap/core/17200", "/var/lib/docker/overlay2/4f/merged"},
            set(),
        ),
        ("exclude_mountpoints", "/media/*,/mnt/late", set(), {"/media/ann/My Disk", "/mnt/late"}),
    ],
)
def test_a_setting_decides_what_is_left_out(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    laptop: FixtureMachine,
    setting: str,
    value: object,
    more: set[str],
    fewer: set[str],
) -> None:
    other = FixtureMachine("laptop", tmp_path / "other", monkeypatch, **{setting: value})
    assert set(by_mountpoint(other)) == (set(by_mountpoint(laptop)) | more) - fewer


def test_weird_mountpoints_are_found_and_come_out_printable(server: FixtureMachine) -> None:
    """The system call gets the original bytes; people see replacement characters."""
    server.write("proc/1/mountinfo", b"1 0 8:1 / /a\\012b\xff\x0c rw - ext4 /dev/sda1 rw\n")
    path = os.fsdecode(b"/a\nb\xff\x0c")
    usage = {"size_bytes": 10, "used_bytes": 5, "available_bytes": 5, "device_number": "8:1"}
    server.write("filesystems.json", json.dumps({path: usage}))
    exposition = server.exposition()
    assert exposition.labels("host_filesystem_size_bytes", "mountpoint") == {"/a?b\N{REPLACEMENT CHARACTER}?"}


@pytest.mark.skipif(not LINUX, reason="df --output is GNU's")
def test_the_live_figures_are_those_of_df(exporter: Exporter) -> None:
    columns = ("size", "used", "avail", "itotal", "iused")

    def df(mountpoint: str) -> dict[str, int]:
        command = ["df", "-B1", f"--output={','.join(columns)}", mountpoint]
        out = subprocess.run(command, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=True)
        fields = [int(field) if field.isdigit() else 0 for field in out.stdout.splitlines()[1].split()]
        return dict(zip(columns, fields, strict=True))

    samples = exporter.samples()
    mountpoints = samples.labels("host_filesystem_size_bytes", "mountpoint")
    assert "/" in mountpoints
    for mountpoint in mountpoints:
        said = df(mountpoint)
        room = 512 * 2**20 + said["size"] // 1000  # other tests write files at the same time
        figures = {name: samples.value(f"host_filesystem_{name}", mountpoint=mountpoint) for name in FIGURES}
        assert figures["size_bytes"] == said["size"]
        assert figures["used_bytes"] == pytest.approx(said["used"], abs=room)
        assert figures["available_bytes"] == pytest.approx(said["avail"], abs=room)
        if said["used"] + said["avail"]:
            share = said["used"] / (said["used"] + said["avail"])
            assert figures["usage_ratio"] == pytest.approx(share, abs=0.01)
        if said["itotal"]:
            assert figures["inodes_usage_ratio"] == pytest.approx(said["iused"] / said["itotal"], abs=0.01)


def test_mountpoints_that_look_alike_are_not_one_series_twice(server: FixtureMachine) -> None:
    lines = [b"1 0 8:1 / /mnt/\xfe rw - nfs nas:/a rw\n", b"2 0 8:2 / /mnt/\xff rw - nfs nas:/a rw\n"]
    server.write("proc/1/mountinfo", b"".join(lines))
    usage = {"size_bytes": 10, "used_bytes": 5, "available_bytes": 5, "device_number": "8:2"}
    server.write("filesystems.json", json.dumps({os.fsdecode(b"/mnt/\xff"): usage}))
    assert len(server.read(Filesystems).filesystems) == 2
    exposition = server.exposition()
    shown = [sample for sample in exposition.samples if sample.name == "host_filesystem_error"]
    assert [(sample.labels["mountpoint"], sample.value) for sample in shown] == [("/mnt/\N{REPLACEMENT CHARACTER}", 1)]
    assert "host_filesystem_size_bytes" not in exposition.names(), "of the second, under the name of the first"


FIGURES = ("size_bytes", "used_bytes", "available_bytes", "usage_ratio", "inodes_usage_ratio")


def test_windows_optical_drives_are_left_out_and_a_drive_that_is_not_ready_is_an_error(windows: Windows) -> None:
    shown = {filesystem.mountpoint: filesystem for filesystem in windows.read(Filesystems).filesystems}
    assert list(shown) == ["C:\\", "F:\\"]
    assert (shown["C:\\"].fstype, shown["C:\\"].usage_ratio) == ("NTFS", 0.8)
    assert (shown["F:\\"].error, shown["F:\\"].size_bytes) == ("The device is not ready", None)
    exposition = windows.exposition()
    assert exposition.value("host_filesystem_error", mountpoint="F:\\") == 1
    assert exposition.value("host_filesystem_size_bytes", mountpoint="C:\\") == 100 * GIB


def test_a_windows_volume_in_a_folder_is_shown_beside_the_drive(
    windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [Part("C:\\", "C:\\data\\", "NTFS", "rw"), Part("C:\\", "C:\\", "NTFS", "rw,fixed")]
    sizes = {"C:\\": (100 * GIB, 80 * GIB), "C:\\data\\": (400 * GIB, 100 * GIB)}
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: parts)
    monkeypatch.setattr(
        psutil,
        "disk_usage",
        lambda path: PsutilUsage(sizes[path][0], sizes[path][1], sizes[path][0] - sizes[path][1], 0),
    )
    shown = [(each.device, each.mountpoint, each.usage_ratio) for each in windows.read(Filesystems).filesystems]
    assert shown == [("C:\\", "C:\\", 0.8), ("C:\\data\\", "C:\\data\\", 0.25)]


def test_on_macos_images_and_simulators_have_no_level(macos: MacOs, monkeypatch: pytest.MonkeyPatch) -> None:
    images = ["/Volumes/Installer", "/Library/Developer/CoreSimulator/Volumes/iOS_22A3351"]
    parts = [
        *macos.disk_partitions(),
        *(Part(f"/dev/disk{place}s1", image, "apfs", "ro,local") for place, image in enumerate(images, 5)),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: parts)
    monkeypatch.setattr(
        psutil, "disk_usage", lambda path: PsutilUsage(500 * GIB, 490 * GIB, 0 if path in images else GIB, 0)
    )
    snapshot = macos.sample()
    assert [(each.kind, each.subject) for each in snapshot.assessed() if each.resource == "filesystem"] == [
        ("HostFilesystemFull", "/System/Volumes/Data")
    ]
    section = snapshot.section(Filesystems)
    assert section is not None
    assert {each.mountpoint for each in section.filesystems} >= {"/", *images}


def test_macos_shows_the_owners_volume_and_not_those_of_the_system(macos: MacOs) -> None:
    shown = [(filesystem.mountpoint, filesystem.readonly) for filesystem in macos.read(Filesystems).filesystems]
    assert shown == [("/", True), ("/System/Volumes/Data", False)]
