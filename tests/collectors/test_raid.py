"""Software RAID: arrays of every shape, as the kernel describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.raid import Array, Raid
from exporter.thresholds import Level

if TYPE_CHECKING:
    from tests.machines import FixtureMachine

FULL = {"sda1": ("in_sync", "0"), "sdb1": ("in_sync", "1")}


def array(machine: FixtureMachine, name: str, members: dict[str, tuple[str, str]], **files: str) -> None:
    """Write an array; a file set to "" is left out, as the kernel does where it makes no sense."""
    shown = {"array_state": "clean", "level": "raid1", "raid_disks": "2", "degraded": "0", "metadata_version": "1.2"}
    shown |= {"sync_action": "idle", "sync_completed": "none"} | files
    for file, content in shown.items():
        if content:
            machine.write(f"sys/block/{name}/md/{file}", f"{content}\n")
    for member, (state, slot) in members.items():
        machine.write(f"sys/block/{name}/md/dev-{member}/state", f"{state}\n")
        machine.write(f"sys/block/{name}/md/dev-{member}/slot", f"{slot}\n")


def told(machine: FixtureMachine, name: str = "md0") -> tuple[Array, list[tuple[Level, str]]]:
    """Return an array, and what is found wrong with it."""
    snapshot = machine.sample(60)
    assert not snapshot.failures()
    section = snapshot.section(Raid)
    assert section is not None
    found = [(each.level, each.reason) for each in snapshot.own() if each.kind == "HostRaidDegraded"]
    return next(each for each in section.arrays if each.device == name), found


@pytest.mark.parametrize(
    ("members", "files", "level", "said"),
    [
        (FULL, {}, Level.OK, ""),
        (FULL, {"sync_action": "check", "sync_completed": "10 / 100"}, Level.OK, ""),
        (FULL, {"sync_action": "resync", "sync_completed": "10 / 100"}, Level.OK, ""),
        (FULL | {"sdc1": ("spare", "none")}, {}, Level.OK, ""),
        (FULL | {"sdc1": ("journal", "none")}, {}, Level.OK, ""),
        (
            {"sda1": ("in_sync,want_replacement", "0"), "sdb1": ("in_sync", "1"), "sdc1": ("spare,replacement", "0")},
            {"sync_action": "recover", "sync_completed": "10 / 100"},
            Level.OK,
            "",
        ),
        (
            {"sda1": ("in_sync", "0"), "sdb1": ("faulty", "none")},
            {"degraded": "1"},
            Level.CRITICAL,
            "is degraded, 1 of its members missing or failed: sdb1 failed",
        ),
        (
            {"sda1": ("in_sync,write_mostly", "0")},
            {"degraded": "1"},
            Level.CRITICAL,
            "is degraded, 1 of its members missing or failed",
        ),
        (
            {"sda1": ("in_sync", "0"), "sdb1": ("spare", "1")},
            {"degraded": "1", "sync_action": "recover", "sync_completed": "43 / 100"},
            Level.WARNING,
            "is rebuilding sdb1, 43\u00a0% done",
        ),
        (
            {"sda1": ("in_sync", "0"), "sdb1": ("spare", "1")},
            {"degraded": "1", "sync_action": "recover", "sync_completed": "delayed"},
            Level.WARNING,
            "is rebuilding sdb1, waiting",
        ),
        (
            {"sda1": ("in_sync", "0"), "sdb1": ("spare", "1")},
            {"degraded": "1", "sync_action": "frozen"},
            Level.CRITICAL,
            "is degraded, 1 of its members missing or failed",
        ),
        (
            {"sda1": ("in_sync", "0"), "sdb1": ("spare", "1"), "sdc1": ("in_sync", "2")},
            {"degraded": "2", "raid_disks": "4", "level": "raid6", "sync_action": "recover", "sync_completed": "1 / 9"},
            Level.CRITICAL,
            "is degraded, 1 of its members missing or failed",
        ),
        (FULL | {"sdc1": ("faulty", "none")}, {}, Level.WARNING, "has failed members: sdc1"),
        (
            {"sda1": ("in_sync", "0"), "sdb1": ("faulty", "1")},
            {"level": "raid0", "degraded": "", "sync_action": "", "sync_completed": ""},
            Level.CRITICAL,
            "does not run: sdb1 failed",
        ),
        (FULL, {"level": "linear", "degraded": "", "sync_action": "", "sync_completed": ""}, Level.OK, ""),
        (FULL, {"level": "raid0", "degraded": "", "array_state": "broken"}, Level.CRITICAL, "does not run"),
        (
            {"sda1": ("spare", "none")},
            {"array_state": "inactive", "level": "", "degraded": "", "raid_disks": "0"},
            Level.CRITICAL,
            "does not run",
        ),
        (FULL, {"array_state": "readonly", "metadata_version": "external:/md127/0"}, Level.OK, ""),
        (FULL, {"degraded": "-1"}, Level.OK, ""),
    ],
)
def test_what_is_wrong_with_an_array(
    laptop: FixtureMachine, members: dict[str, tuple[str, str]], files: dict[str, str], level: Level, said: str
) -> None:
    laptop.remove("sys/block/md0")
    array(laptop, "md0", members, **files)
    _, found = told(laptop)
    assert found == ([(level, said)] if said else [])


def test_a_member_that_was_removed_is_counted_as_missing_and_the_others_by_state(laptop: FixtureMachine) -> None:
    laptop.remove("sys/block/md0")
    array(
        laptop,
        "md0",
        {"sda1": ("in_sync", "0"), "dm-3": ("in_sync", "2")},
        degraded="2",
        raid_disks="4",
        level="raid10",
    )
    laptop.write("sys/block/dm-3/dm/name", "luks-b\n")
    told(laptop)
    samples = laptop.exposition(laptop.sample(60))
    states = {state: samples.value("host_raid_members", device="md0", state=state) for state in ("in_sync", "missing")}
    assert states == {"in_sync": 2, "missing": 2}
    assert samples.value("host_raid_degraded_members", device="md0", level="raid10") == 2
    assert samples.value("host_raid_member_info", device="md0", member="mapper/luks-b", state="in_sync") == 1


@pytest.mark.parametrize("said", ["3", "1_0", "+1", "-1", "4294967295"])
def test_an_array_cannot_lack_more_members_than_it_is_made_for(laptop: FixtureMachine, said: str) -> None:
    array(laptop, "md5", FULL, degraded=said)
    found, wrong = told(laptop, "md5")
    assert (found.degraded_members, found.missing_members, wrong) == (None, 0, [])


@pytest.mark.parametrize("said", ["999999999", "-1", "2_0", "many", "9" * 6000])
def test_how_many_members_are_missing_is_unknown_where_an_absurd_number_is_wanted(
    laptop: FixtureMachine, said: str
) -> None:
    array(laptop, "md5", FULL, raid_disks=said)
    found, wrong = told(laptop, "md5")
    assert (found.degraded_members, found.missing_members, wrong) == (0, None, [])
    laptop.remove("sys/block/md0")
    states = laptop.exposition(laptop.sample(60)).labels("host_raid_members", "state")
    assert states == {"in_sync", "rebuilding", "spare", "faulty"}


def test_an_array_that_is_being_made_smaller_may_lack_more_than_are_left(laptop: FixtureMachine) -> None:
    array(laptop, "md5", FULL, level="raid6", raid_disks="2 (5)", degraded="3")
    found, _ = told(laptop, "md5")
    assert found.degraded_members == 3


def test_a_mirror_of_nas_firmware_lacks_only_what_it_had(laptop: FixtureMachine) -> None:
    """QNAP makes its system arrays for 32 disks, whatever the box has."""
    laptop.remove("sys/block/md0")
    four = {f"sd{letter}1": ("in_sync", str(slot)) for slot, letter in enumerate("abcd")}
    array(laptop, "md9", four, raid_disks="32", degraded="28")
    found, wrong = told(laptop, "md9")
    assert (found.degraded_members, found.missing_members, wrong) == (0, 0, [])
    array(laptop, "md9", {"sdd1": ("faulty", "none")}, raid_disks="32", degraded="29")
    found, wrong = told(laptop, "md9")
    assert (found.degraded_members, found.missing_members) == (1, 0)
    assert wrong == [(Level.CRITICAL, "is degraded, 1 of its members missing or failed: sdd1 failed")]


def test_a_mirror_over_all_bays_of_a_nas_lacks_only_the_disks_that_it_has_had(laptop: FixtureMachine) -> None:
    """Synology makes its system arrays for as many disks as the box has bays, in the old format."""
    laptop.remove("sys/block/md0")
    four = {"raid_disks": "4", "degraded": "2", "metadata_version": "0.90"}
    array(laptop, "md1", FULL, **four)
    found, wrong = told(laptop, "md1")
    assert (found.degraded_members, found.missing_members, wrong) == (0, 0, [])
    array(laptop, "md1", {"sdb1": ("faulty", "none")}, **four | {"degraded": "3"})
    found, wrong = told(laptop, "md1")
    assert (found.degraded_members, [level for level, _ in wrong]) == (1, [Level.CRITICAL])
    for name, slots, metadata in (("md2", "2", "0.90"), ("md3", "4", "1.2")):
        array(laptop, name, {"sda1": ("in_sync", "0")}, raid_disks=slots, degraded="1", metadata_version=metadata)
        assert told(laptop, name)[0].degraded_members == 1


def test_a_container_of_firmware_raid_is_no_array_and_its_array_is_one(laptop: FixtureMachine) -> None:
    laptop.remove("sys/block/md0")
    spares = {"sda": ("spare", "none"), "sdb": ("spare", "none")}
    for name, kind in (("md127", "imsm"), ("md125", "ddf")):
        array(laptop, name, spares, array_state="inactive", level="", degraded="", metadata_version=f"external:{kind}")
    array(laptop, "md126", {"sda": ("in_sync", "0"), "sdb": ("in_sync", "1")}, metadata_version="external:/md127/0")
    section = laptop.read(Raid)
    assert [each.device for each in section.arrays] == ["md126"]


def test_progress_is_there_while_something_is_done(laptop: FixtureMachine) -> None:
    samples = laptop.exposition()
    assert samples.value("host_raid_sync_ratio", device="md0", action="check") == 0.5
    laptop.write("sys/block/md0/md/sync_action", "idle\n")
    laptop.write("sys/block/md0/md/sync_completed", "none\n")
    assert laptop.exposition(laptop.sample(60)).value("host_raid_sync_ratio", device="md0", action="check") is None


@pytest.mark.parametrize("text", ["", "x / y", "5 / 0", "9 / 3", "1 / ", "\u0661 / \u0662"])
def test_a_progress_that_cannot_be_is_absent(laptop: FixtureMachine, text: str) -> None:
    laptop.write("sys/block/md0/md/sync_completed", f"{text}\n")
    assert told(laptop)[0].action_ratio is None


def test_a_machine_without_arrays_has_no_series(server: FixtureMachine) -> None:
    assert server.try_read(Raid) is None
