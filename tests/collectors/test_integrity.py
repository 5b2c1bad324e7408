"""Errors of ext4 and of the devices of btrfs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.integrity import Integrity
from exporter.thresholds import Level

if TYPE_CHECKING:
    from tests.machines import FixtureMachine

UUID = "0f6c2d1e-8b1f-4b7e-9d53-1a2b3c4d5e6f"
NO_ERRORS = "write_errs 0\nread_errs 0\nflush_errs 0\ncorruption_errs 0\ngeneration_errs 0\n"


def device(
    machine: FixtureMachine, number: int, *, missing: str = "0", stats: str = NO_ERRORS, uuid: str = UUID
) -> None:
    machine.write(f"sys/fs/btrfs/{uuid}/devinfo/{number}/missing", f"{missing}\n")
    machine.write(f"sys/fs/btrfs/{uuid}/devinfo/{number}/error_stats", stats)


def found(machine: FixtureMachine) -> list[tuple[str, Level, str, str]]:
    kinds = {"HostFilesystemErrors", "HostPoolDegraded"}
    own = machine.sample(60).own()
    return [(each.kind, each.level, each.subject, each.reason) for each in own if each.kind in kinds]


def test_an_error_of_the_last_day_is_a_finding_and_one_of_long_ago_is_not(laptop: FixtureMachine) -> None:
    assert found(laptop) == []
    for age, expected in ((3600, 1), (86000, 1), (87000, 0)):
        laptop.write("sys/fs/ext4/nvme0n1p2/errors_count", "3\n")
        laptop.write("sys/fs/ext4/nvme0n1p2/last_error_time", f"{time.time() - age:.0f}\n")
        reason = "(/) has met an error in the last 24 hours; counted since the last repair: 3"
        assert found(laptop) == [("HostFilesystemErrors", Level.CRITICAL, "nvme0n1p2", reason)] * expected


def test_errors_are_counted_by_the_name_that_an_owner_knows(laptop: FixtureMachine) -> None:
    mounts = laptop.path("proc/1/mountinfo").read_text()
    mounts += "40 28 253:7 / /srv/vg rw - ext4 /dev/mapper/vg-root rw\n41 28 8:2 / /old rw - ext4 /dev/root rw\n"
    laptop.write("proc/1/mountinfo", mounts)
    for name, number in (("dm-7", "253:7"), ("sda2", "8:2"), ("dm-8", "253:8"), ("cciss!c0d0p1", "104:1")):
        laptop.write(f"sys/class/block/{name}/dev", f"{number}\n")
        laptop.write(f"sys/fs/ext4/{name}/errors_count", "1\n")
    laptop.write("sys/block/dm-8/dm/name", "vg-unmounted\n")
    section = laptop.read(Integrity)
    assert {each.device: each.mountpoint for each in section.filesystems if each.errors} == {
        "/dev/mapper/vg-root": "/srv/vg",
        "/dev/mapper/vg-unmounted": "",
        "cciss/c0d0p1": "",
        "sda2": "/old",
        "sdc1": "/mnt/late",
    }


def test_a_count_that_is_none_costs_itself(laptop: FixtureMachine) -> None:
    laptop.write("sys/fs/ext4/nvme0n1p2/errors_count", "many\n")
    samples = laptop.exposition()
    assert samples.value("host_filesystem_errors_total", device="nvme0n1p2") is None
    assert samples.value("host_filesystem_errors_total", device="sdc1") == 2
    assert samples.value("host_exporter_collector_success", collector="integrity") == 1


def test_a_btrfs_without_a_device_is_critical_and_the_one_that_is_left_has_its_name(laptop: FixtureMachine) -> None:
    device(laptop, 2, missing="1")
    assert found(laptop) == [("HostPoolDegraded", Level.CRITICAL, "backup", "is mounted without devid 2")]
    samples = laptop.exposition(laptop.sample(60))
    assert samples.value("host_btrfs_device_missing", filesystem="backup", device="devid 2") == 1
    assert samples.value("host_btrfs_device_missing", filesystem="backup", device="sdd1") == 0


def test_the_errors_of_a_device_are_counted_by_kind(laptop: FixtureMachine) -> None:
    device(laptop, 1, stats=NO_ERRORS.replace("corruption_errs 0", "corruption_errs 12") + "surprise_errs 1\nx\n")
    samples = laptop.exposition()
    of = {"filesystem": "backup", "device": "sdd1"}
    assert samples.value("host_btrfs_device_errors_total", **of, kind="corruption_errs") == 12
    assert samples.value("host_btrfs_device_errors_total", **of, kind="write_errs") == 0
    assert samples.value("host_btrfs_device_errors_total", **of, kind="surprise_errs") is None
    assert found(laptop) == []


def test_devices_that_cannot_be_told_apart_go_by_their_number(laptop: FixtureMachine) -> None:
    device(laptop, 2)
    laptop.write(f"sys/fs/btrfs/{UUID}/devices/sde1/dev", "8:65\n")
    section = laptop.read(Integrity)
    assert [each.device for each in section.btrfs_devices] == ["devid 1", "devid 2"]


def test_a_filesystem_without_a_label_goes_by_its_uuid_and_one_label_is_used_once(laptop: FixtureMachine) -> None:
    other, third = UUID.replace("0f6c", "1f6c"), UUID.replace("0f6c", "2f6c")
    for uuid, label in ((other, ""), (third, "backup")):
        device(laptop, 1, uuid=uuid)
        laptop.write(f"sys/fs/btrfs/{uuid}/label", f"{label}\n")
    laptop.write("sys/fs/btrfs/features/raid1c34", "0\n")
    section = laptop.read(Integrity)
    assert [each.filesystem for each in section.btrfs_devices] == [other, "backup", f"backup {third}"]


@pytest.mark.parametrize("text", ["2", "", "yes"])
def test_whether_a_device_is_missing_is_true_or_absent(laptop: FixtureMachine, text: str) -> None:
    device(laptop, 1, missing=text)
    assert laptop.read(Integrity).btrfs_devices[0].missing is None


def test_a_mount_table_that_cannot_be_read_costs_nothing_but_names(laptop: FixtureMachine) -> None:
    laptop.remove("proc/1/mountinfo")
    snapshot = laptop.sample()
    section = snapshot.section(Integrity)
    assert section is not None
    assert [(each.device, each.mountpoint, each.errors) for each in section.filesystems] == [
        ("nvme0n1p2", "", 0),
        ("sdc1", "", 2),
    ]


def test_a_machine_with_none_of_these_has_no_series(server: FixtureMachine) -> None:
    assert server.try_read(Integrity) is None
