"""The program of packaging/smart with answers of smartctl as recorded, and what the exporter makes of its file."""

from __future__ import annotations

import ast
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.collectors.textfile import Textfiles
from exporter.sources.textfile_names import KNOWN
from tests.machines import FixtureMachine
from tests.support import Samples

if TYPE_CHECKING:
    from exporter.sources.textfile_content import SmartDisk

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "packaging/smart/host_exporter_smart.py"
RECORDED = ROOT / "tests/fixtures/smart"
SIX = {
    "/dev/sda": ("sat", "sata-hdd"),
    "/dev/sdb": ("scsi", "sata-ssd-down"),
    "/dev/sdc": ("sat", "sata-ssd-up"),
    "/dev/nvme0": ("nvme", "nvme"),
    "/dev/bus/0": ("megaraid,8", "sas"),
    "/dev/sdd": ("sat", "failing"),
    "/dev/sde": ("scsi", "usb-bridge"),
}
"""Disks as a scan finds them: name, type, and the recorded answer."""

FAKE = f"""#!{sys.executable}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as log:
    print(json.dumps(sys.argv[1:]), file=log)
disks = json.loads((here / "disks.json").read_text())
if "--scan" in sys.argv:
    devices = [{{"name": name, "type": kind}} for name, (kind, _) in disks.items()]
    print(json.dumps({{"smartctl": {{"exit_status": 0}}, "devices": devices}}))
else:
    text = (pathlib.Path({str(RECORDED)!r}) / (disks[sys.argv[-1]][1] + ".json")).read_text()
    for old, new in json.loads((here / "edits.json").read_text()):
        text = text.replace(old, new)
    print(text)
    sys.exit(json.loads(text)["smartctl"]["exit_status"])
"""


class Bench:
    """A folder with a smartctl that answers as recorded, and the files that the program writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output, self.state = folder / "smart.prom", folder / "state.json"
        (folder / "smartctl").write_text(FAKE)
        (folder / "smartctl").chmod(0o755)
        self.answer(SIX)

    def answer(self, disks: dict[str, tuple[str, str]], *edits: tuple[str, str]) -> None:
        (self.folder / "disks.json").write_text(json.dumps(disks))
        (self.folder / "edits.json").write_text(json.dumps(edits))

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        given = ["--output", str(self.output), "--state", str(self.state), "--smartctl", str(self.folder / "smartctl")]
        given += ["--sysfs", str(self.folder / "sys")]
        return subprocess.run(
            [sys.executable, str(PROGRAM), *given, *more], capture_output=True, text=True, check=False, timeout=60
        )

    def samples(self) -> Samples:
        result = self.run()
        assert result.returncode == 0, result.stderr
        return Samples.parse(self.output.read_text())

    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]

    def plug(self, disk: str, kind: str) -> None:
        """Say in sysfs how a disk is connected."""
        places = {"usb": "pci0000:00/0000:00:14.0/usb2/2-1", "slot": "pci0000:00/ata1"}
        place = self.folder / "sys/devices" / places.get(kind, "pci0000:00/0000:01:00.0/ata1") / "host0/block" / disk
        place.mkdir(parents=True)
        (place / "removable").write_text(f"{int(kind == 'slot')}\n")
        if kind == "thunderbolt":
            (self.folder / "sys/devices/pci0000:00/0000:01:00.0/removable").write_text("removable\n")
        (self.folder / "sys/class/block").mkdir(parents=True)
        (self.folder / "sys/class/block" / disk).symlink_to(place)

    def later(self, days: float) -> None:
        """Move everything that is remembered into the past."""
        state = json.loads(self.state.read_text())
        for disk in state["disks"]:
            disk["seen"] -= days * 86400
            for history in disk["history"].values():
                for moment in history:
                    moment[0] -= days * 86400
        self.state.write_text(json.dumps(state))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def problems(samples: Samples, device: str) -> dict[str, float]:
    found = [s for s in samples.samples if s.name == "host_disk_smart_problem" and s.labels["device"] == device]
    return {s.labels["problem"]: s.value for s in found if s.value}


def test_wear_goes_one_way_whatever_the_maker_counts(bench: Bench) -> None:
    samples = bench.samples()
    wear = {s.labels["device"]: s.value for s in samples.samples if s.name == "host_disk_wear_ratio"}
    assert wear == {"sdb": 0.17, "sdc": 0.84, "nvme0": 0.07, "bus/0 megaraid,8": 0.04}


def test_a_disk_that_has_passed_beside_failing_sectors_is_not_healthy(bench: Bench) -> None:
    samples = bench.samples()
    healthy = {s.labels["device"]: s.value for s in samples.samples if s.name == "host_disk_smart_healthy"}
    assert healthy == {"sda": 1, "sdb": 1, "sdc": 1, "nvme0": 1, "bus/0 megaraid,8": 1, "sdd": 0}
    assert problems(samples, "sdd") == {"sectors that cannot be read": 24, "sectors that cannot be corrected": 24}


def test_what_an_ssd_counts_instead_of_pending_sectors_is_no_fault(bench: Bench) -> None:
    bench.answer(SIX, ("Current_Pending_Sector", "Current_Pending_ECC_Cnt"))
    assert problems(bench.samples(), "sdd") == {"sectors that cannot be corrected": 24}


def test_a_hot_nvme_is_not_failing_and_one_without_spare_blocks_is(bench: Bench) -> None:
    assert problems(bench.samples(), "nvme0") == {}
    bench.answer(SIX, ('"critical_warning": 2', '"critical_warning": 11'))
    assert problems(bench.samples(), "nvme0") == {"spare blocks below the maker's limit": 1, "read-only": 1}


def test_an_attribute_at_its_limit_and_a_failed_check_are_problems(bench: Bench) -> None:
    bench.answer({"/dev/sda": SIX["/dev/sda"]}, ('"when_failed": ""', '"when_failed": "now"'), ("true", "false"))
    found = problems(bench.samples(), "sda")
    assert found == {"attributes beyond the maker's limit": 7, "failed its own health check": 1}


def test_of_a_packed_raw_value_only_the_first_count_is_taken(bench: Bench) -> None:
    samples = bench.samples()
    assert samples.value("host_disk_reallocated_sectors", device="sda") == 4
    assert samples.value("host_disk_reallocated_sectors", device="bus/0 megaraid,8") == 3
    assert samples.value("host_disk_media_errors_total", device="bus/0 megaraid,8") == 1
    assert samples.value("host_disk_media_errors_total", device="sda") == 0, "from the device statistics"
    assert samples.value("host_disk_media_errors_total", device="sdc") == 2


def test_sectors_that_are_being_replaced_are_a_problem_for_a_week(bench: Bench) -> None:
    assert problems(bench.samples(), "sda") == {}, "four sectors that were replaced some time ago"
    bench.answer(SIX, ('"4 (0 2)"', '"9 (0 2)"'))
    assert problems(bench.samples(), "sda") == {"sectors replaced in the last week": 5}
    bench.later(6)
    assert problems(bench.samples(), "sda") == {"sectors replaced in the last week": 5}
    bench.later(2)
    assert problems(bench.samples(), "sda") == {}


def test_an_ssd_may_replace_a_few_blocks(bench: Bench) -> None:
    flash = ('"rotation_rate": 5400', '"rotation_rate": 0')
    bench.answer(SIX, flash)
    bench.samples()
    for now, found in (("13", {}), ("14", {"sectors replaced in the last week": 10})):
        bench.answer(SIX, flash, ('"4 (0 2)"', f'"{now} (0 2)"'))
        assert problems(bench.samples(), "sda") == found


def test_a_disk_is_known_by_its_serial_number_after_a_reboot(bench: Bench) -> None:
    bench.samples()
    state = json.loads(bench.state.read_text())
    bench.state.write_text(json.dumps({**state, "boot": "another"}))
    renamed = {"/dev/sdf": SIX["/dev/sda"], "/dev/sda": SIX["/dev/sdb"]}
    bench.answer(renamed, ('"4 (0 2)"', '"5 (0 2)"'))
    assert problems(bench.samples(), "sdf") == {"sectors replaced in the last week": 1}
    assert problems(bench.samples(), "sda") == {}


@pytest.mark.parametrize("kind", ["usb", "slot", "thunderbolt"])
def test_a_disk_that_one_may_unplug_is_remembered_and_not_missed(bench: Bench, kind: str) -> None:
    bench.plug("sda", kind)
    bench.samples()
    bench.answer({"/dev/sdb": SIX["/dev/sdb"], "/dev/sda": SIX["/dev/sde"]})
    for _ in range(3):
        assert "sda" not in bench.samples().labels("host_disk_smart_healthy", "device")
    bench.answer(SIX, ('"4 (0 2)"', '"5 (0 2)"'))
    assert problems(bench.samples(), "sda") == {"sectors replaced in the last week": 1}


@pytest.mark.parametrize("left", [{}, {"/dev/sdb": SIX["/dev/sdb"]}, {"/dev/sda": SIX["/dev/sdb"]}])
def test_a_disk_that_drops_off_the_bus_is_failing_from_the_second_time(
    bench: Bench, left: dict[str, tuple[str, str]]
) -> None:
    bench.plug("sda", "sata")
    bench.answer({**left, "/dev/sda": SIX["/dev/sda"]})
    bench.samples()
    bench.answer(left)
    health = [bench.samples().value("host_disk_smart_healthy", serial="EX-HDD-0001") for _ in range(4)]
    assert health == [1, 0, 0, 0]
    assert problems(bench.samples(), "sda") == {"does not answer": 1}
    assert "in no scan any more: sda" in bench.run().stdout
    bench.answer({**left, "/dev/sdq": SIX["/dev/sda"]})
    back = bench.samples()
    assert back.value("host_disk_smart_healthy", serial="EX-HDD-0001") == 1, "it has another name now"
    assert len(back.labels("host_disk_smart_healthy", "serial")) == 1 + len(left)


def test_a_gone_disk_is_failing_until_a_reboot_or_for_a_week_or_until_its_owner_says_so(bench: Bench) -> None:
    def lose() -> None:
        bench.answer({"/dev/sda": SIX["/dev/sda"]})
        bench.samples()
        bench.answer({})
        bench.samples()
        assert problems(bench.samples(), "sda") == {"does not answer": 1}

    lose()
    bench.later(6.9)
    assert problems(bench.samples(), "sda") == {"does not answer": 1}
    bench.later(0.2)
    assert bench.samples().samples == []
    lose()
    state = json.loads(bench.state.read_text())
    bench.state.write_text(json.dumps({**state, "boot": "another"}))
    assert bench.samples().samples == []
    lose()
    wrong = bench.run("--forget", "EX-NONE")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "no disk with the serial number 'EX-NONE' is known; known: EX-HDD-0001" in wrong.stderr
    assert bench.run("--forget", "EX-HDD-0001").returncode == 0
    assert bench.samples().samples == []


def test_a_disk_that_cannot_be_opened_any_more_is_failing_even_if_it_is_the_only_one(bench: Bench) -> None:
    bench.answer({"/dev/sda": SIX["/dev/sda"]})
    bench.samples()
    bench.answer({"/dev/sda": ("sat", "silent")})
    bench.samples()
    assert problems(bench.samples(), "sda") == {"does not answer": 1}


def test_an_answer_that_is_no_json_costs_its_disk_only_and_is_said(bench: Bench) -> None:
    before = bench.samples().labels("host_disk_smart_healthy", "device")
    bench.answer(SIX, ('"EX-HDD-0001"', "garbage {"))
    result = bench.run()
    assert result.returncode == 0, result.stderr
    assert "smartctl answers without JSON about: sda" in result.stdout
    after = bench.samples()
    assert after.labels("host_disk_smart_healthy", "device") == before
    assert problems(after, "sda") == {"does not answer": 1}
    assert after.value("host_disk_smart_healthy", device="sdc") == 1
    bench.state.unlink()
    assert bench.samples().labels("host_disk_smart_healthy", "device") == before - {"sda"}


@pytest.mark.parametrize("devices", ["null", '"sda"', "[1, null]", "{}"])
def test_a_scan_of_another_shape_lists_nothing(bench: Bench, devices: str) -> None:
    (bench.folder / "smartctl").write_text(f"#!/bin/sh\necho '{{\"devices\": {devices}}}'\n")
    assert bench.samples().samples == []


def test_a_disk_on_two_paths_is_one_disk(bench: Bench) -> None:
    bench.answer({"/dev/sda": SIX["/dev/sda"], "/dev/sdz": SIX["/dev/sda"]})
    assert bench.samples().labels("host_disk_smart_healthy", "device") == {"sda"}


def test_a_sleeping_disk_stays_asleep_and_keeps_its_figures_until_a_reboot(bench: Bench) -> None:
    before = [s for s in bench.samples().samples if s.labels["device"] == "sda"]
    bench.answer({**SIX, "/dev/sda": ("sat", "asleep")})
    assert [s for s in bench.samples().samples if s.labels["device"] == "sda"] == before
    state = json.loads(bench.state.read_text())
    bench.state.write_text(json.dumps({**state, "boot": "another"}))
    assert "sda" not in bench.samples().labels("host_disk_smart_healthy", "device"), "another disk may have that name"
    assert all("standby,3" in asked for asked in bench.asked() if "--scan" not in asked)


def test_a_disk_that_no_longer_answers_is_failing_from_the_second_time(bench: Bench) -> None:
    bench.samples()
    bench.answer({**SIX, "/dev/sda": ("sat", "silent")})
    assert problems(bench.samples(), "sda") == {}
    assert problems(bench.samples(), "sda") == {"does not answer": 1}
    bench.answer(SIX)
    assert problems(bench.samples(), "sda") == {}


def test_nvme_is_asked_for_its_log_only_and_a_controller_for_the_disk_behind_it(bench: Bench) -> None:
    bench.samples()
    (nvme,) = [asked for asked in bench.asked() if asked[-1] == "/dev/nvme0"]
    assert not {"-a", "-x", "-l"} & set(nvme)
    (behind,) = [asked for asked in bench.asked() if asked[-1] == "/dev/bus/0"]
    assert behind[behind.index("-d") + 1] == "megaraid,8"
    assert all("-d" not in asked for asked in bench.asked() if asked[-1].startswith("/dev/sd"))


def test_a_file_is_replaced_as_a_whole_and_can_be_read_by_everybody(bench: Bench) -> None:
    bench.output.write_text("old\n")
    before = bench.output.stat().st_ino
    result = bench.run()
    assert result.stdout == "disks: 6; without SMART: sde\n"
    assert bench.output.stat().st_ino != before
    assert stat.S_IMODE(bench.output.stat().st_mode) == 0o644
    assert not [name for name in os.listdir(bench.folder) if name.startswith(".smart")]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ("--smartctl", "/nonexistent/smartctl"),
            "cannot be run: No such file or directory (apt install smartmontools)",
        ),
        (("--smartctl", "/bin/echo"), "answers without JSON; it must be version 7.0 or later"),
        (("--output", "/nonexistent/smart.prom"), "cannot be written: No such file or directory"),
    ],
)
def test_what_prevents_it_is_one_line_and_leaves_the_old_file(bench: Bench, flags: tuple[str, str], said: str) -> None:
    bench.output.write_text("old\n")
    result = bench.run(*flags)
    assert result.returncode == 1
    assert result.stderr.startswith("host-exporter-smart: ")
    assert result.stderr.rstrip().endswith(said)
    assert result.stderr.count("\n") == 1
    assert bench.output.read_text() == "old\n"


def test_without_the_right_to_ask_any_disk_the_old_file_stays(bench: Bench) -> None:
    bench.output.write_text("old\n")
    bench.answer({"/dev/sda": ("sat", "silent"), "/dev/sdb": ("sat", "silent")})
    result = bench.run()
    assert (result.returncode, bench.output.read_text()) == (1, "old\n")
    assert "none of sda, sdb" in result.stderr


def test_a_machine_without_disks_and_a_state_that_is_none_are_no_failures(bench: Bench) -> None:
    for state in ("", "{}", "[]", '{"boot": 1, "disks": [{"device": "sda"}]}', '{"boot": "", "disks": [1]}'):
        bench.state.write_text(state)
        bench.answer({})
        assert bench.samples().samples == []


@pytest.mark.parametrize("value", ["null", '"text"', "-1", "[]", "{}", "1e400", "true"])
def test_answers_of_another_shape_cost_no_more_than_a_figure(value: str) -> None:
    for path in RECORDED.glob("*.json"):
        recorded = json.loads(path.read_text())
        for key in set(recorded) - {"smartctl"}:
            changed = json.dumps({**recorded, key: "HERE"}).replace('"HERE"', value)
            loaded: Any = __import__("host_exporter_smart")
            disk = loaded._disk("sda", json.loads(changed))
            if disk is not None:
                loaded._compare(disk, {}, 0.0)
                assert loaded.text([disk]).count("\n") > 5


def test_the_exporter_serves_what_the_program_has_written(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.samples()
    server = FixtureMachine("server", tmp_path / "machine", monkeypatch)
    server.write("var/lib/host-exporter/textfile/smart.prom", bench.output.read_bytes())
    section = server.read(Textfiles)
    assert [each.error for each in section.files] == [None]
    (failing,) = [each for each in section.disks if each.healthy is False]
    assert failing == disk_of(section, "sdd")
    assert failing.problems == ("sectors that cannot be corrected: 24", "sectors that cannot be read: 24")
    assert disk_of(section, "sdc").wear_ratio == 0.84


def disk_of(section: Textfiles, device: str) -> SmartDisk:
    (found,) = [each for each in section.disks if each.device == device]
    return found


def test_its_metrics_are_those_that_the_exporter_knows() -> None:
    loaded: Any = __import__("host_exporter_smart")
    for name, kind, help_text in (*loaded.FAMILIES, (loaded.PROBLEM, "gauge", loaded.PROBLEM_HELP)):
        assert (KNOWN[name].kind, KNOWN[name].help_text) == (kind, help_text)


def test_it_is_written_for_the_oldest_python_that_it_names() -> None:
    ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
