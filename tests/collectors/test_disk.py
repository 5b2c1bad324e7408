"""Disk traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.disk import SILENT, SLOW, SLOW_FOR, SLOW_ROTATIONAL, Disk, Disks
from exporter.render.rows import row
from exporter.sources.host import LINUX
from tests.machines import FixtureMachine

if TYPE_CHECKING:
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter

SECTOR = 512


def names(machine: FixtureMachine) -> list[str]:
    return [disk.device for disk in machine.read(Disks).disks]


def test_whole_disks_that_were_used_are_shown(laptop: FixtureMachine) -> None:
    """Not the card reader that was never used (sda), nor partitions, loop devices and RAM disks."""
    assert names(laptop) == ["nvme0n1", "sdb"]


def test_the_counters_are_in_bytes_and_seconds(laptop: FixtureMachine) -> None:
    disk = laptop.read(Disks).disks[0]
    assert disk == Disk(
        device="nvme0n1",
        read_bytes=2_000_000 * SECTOR,
        written_bytes=4_000_000 * SECTOR,
        reads_completed=50_000,
        writes_completed=30_000,
        busy_seconds=65.0,
        read_seconds=25.0,
        write_seconds=15.0,
        queue_seconds=65.0,
        read_rate_bytes=0.0,
        write_rate_bytes=0.0,
        queue_length=0.0,
        requests_in_progress=0,
        unanswered_seconds=0.0,
        rotational=False,
    )


def test_rates_are_the_bytes_moved_between_two_samples(laptop: FixtureMachine) -> None:
    disks = laptop.later().section(Disks)
    assert disks is not None
    assert disks.disks[0].read_rate_bytes == 204_800 * SECTOR / 10
    assert disks.disks[0].write_rate_bytes == 40_960 * SECTOR / 10
    assert disks.disks[1].read_rate_bytes == 0


def test_waits_and_the_queue_are_averages_between_two_samples(laptop: FixtureMachine) -> None:
    disks = laptop.later().section(Disks)
    assert disks is not None
    fast, idle = disks.disks
    assert (fast.read_wait_seconds, fast.write_wait_seconds, fast.queue_length) == (0.5 / 1000, 0.25 / 500, 0.25)
    assert (idle.read_wait_seconds, idle.write_wait_seconds, idle.queue_length) == (None, None, 0.0)


class Requests:
    """One disk of the server, in whose counters a test puts requests."""

    def __init__(self, machine: FixtureMachine, name: str = "vda", rotational: str = "1\n") -> None:
        self.machine, self.name = machine, name
        self.reads, self.writes, self.reading, self.writing, self.busy = 1000, 1000, 0, 0, 0
        self.in_progress, self.discards = 0, 0
        machine.remove("sys/block")
        machine.write(f"sys/block/{name}/queue/rotational", rotational)
        self.tell()

    def tell(self, also: str = "") -> None:
        """Write diskstats; times are in milliseconds."""
        times = f"{self.in_progress} {self.busy} {self.reading + self.writing}"
        line = (
            f"{self.reads} 0 8000 {self.reading} {self.writes} 0 8000 {self.writing} {times} {self.discards} 0 0 0 0 0"
        )
        self.machine.write("proc/diskstats", f"254 0 {self.name} {line}\n{also}")

    def minutes(self, count: int, each: int, *, reads: int = 0, writes: int = 0, busy: int = 60_000) -> None:
        """Let minutes pass in which every request takes ``each`` ms and the disk is ``busy`` ms a minute."""
        for _ in range(count):
            self.reads, self.reading = self.reads + reads, self.reading + reads * each
            self.writes, self.writing = self.writes + writes, self.writing + writes * each
            self.busy += busy
            self.tell()
            self.machine.sample(60)

    def found(self) -> list[tuple[str, str, str]]:
        """Return level, subject and text of what is found wrong with disks."""
        found = self.machine.sample(0.6).findings()
        return [(str(each.level), each.subject, each.reason) for each in found if each.kind == "HostDiskSlow"]


@pytest.mark.parametrize(
    ("name", "rotational", "limit"),
    [("vda", "1\n", SLOW_ROTATIONAL), ("nvme0n1", "0\n", SLOW), ("mmcblk0", "0\n", SLOW_ROTATIONAL)],
)
def test_reads_that_wait_for_long_are_a_finding_after_ten_minutes(
    server: FixtureMachine, name: str, rotational: str, limit: float
) -> None:
    disk = Requests(server, name, rotational)
    server.prime()
    ms = round(limit * 1000)
    disk.minutes(20, ms - 1, reads=600, busy=30_000)
    assert disk.found() == []
    disk.minutes(round(SLOW_FOR / 60) - 1, ms + 1, reads=600)
    assert disk.found() == []
    disk.minutes(1, ms + 1, reads=600)
    assert disk.found() == [("warning", name, f"is slow: {ms + 1} ms a request (warning at {ms} ms)")]
    disk.minutes(1, 5, reads=600)
    assert disk.found() == []


def test_a_backup_that_queues_writes_by_hundreds_is_no_finding(server: FixtureMachine) -> None:
    disk = Requests(server)
    server.prime()
    disk.minutes(30, 2000, writes=7200)  # each is 8 ms of work
    assert disk.found() == []


def test_writes_that_keep_the_disk_at_work_for_long_are_a_finding(server: FixtureMachine) -> None:
    disk = Requests(server)
    server.prime()
    disk.minutes(11, 900, writes=120)  # each is 500 ms of work
    assert disk.found() == [("warning", "vda", "is slow: 500 ms a request (warning at 300 ms)")]


def test_a_disk_that_sleeps_and_wakes_up_is_no_finding(server: FixtureMachine) -> None:
    disk = Requests(server)
    server.prime()
    for _ in range(10):
        disk.minutes(1, 8000, reads=20, busy=8000)
        disk.minutes(2, 10, reads=10, busy=100)
    disk.minutes(30, 5000, reads=5, busy=5000)  # all the time, but hardly anybody waits
    assert disk.found() == []


def test_a_disk_that_answers_nothing_is_critical_after_two_minutes_though_its_counters_stand_still(
    server: FixtureMachine,
) -> None:
    """Since Linux 5.0, the time of a request counts once it is completed; the busy time stood still until 6.10."""
    disk = Requests(server)
    server.prime()
    disk.in_progress = 3
    disk.tell()
    shown = server.sample(10).section(Disks)
    assert shown is not None
    assert (shown.disks[0].unanswered_seconds, shown.disks[0].requests_in_progress) == (0.0, 3)
    server.sample(SILENT - 5)
    assert disk.found() == []
    server.sample(5)
    assert disk.found() == [("critical", "vda", "does not answer: no request completed for 2 min")]
    shown = server.sample(600).section(Disks)
    assert shown is not None
    assert shown.disks[0].unanswered_seconds == pytest.approx(720.6 + 0.6, abs=2)
    assert shown.disks[0].queue_length is None
    assert server.exposition().value("host_disk_unanswered_seconds", device="vda") == pytest.approx(731, abs=3)
    disk.reads += 1
    disk.tell()
    assert disk.found() == []
    assert server.exposition().value("host_disk_unanswered_seconds", device="vda") == pytest.approx(10, abs=1)


def test_a_disk_that_discards_blocks_answers(server: FixtureMachine) -> None:
    disk = Requests(server)
    server.prime()
    disk.in_progress = 1
    for _ in range(10):
        disk.discards += 1
        disk.tell()
        server.sample(60)
    assert disk.found() == []


def test_what_is_built_on_a_silent_disk_is_not_named_but_is_if_nothing_below_it_is_silent(
    server: FixtureMachine,
) -> None:
    disk = Requests(server)
    server.write("sys/block/dm-0/queue/rotational", "1\n")
    server.write("sys/block/dm-0/slaves/vda", "")
    above = "253 0 dm-0 10 0 80 1 20 0 160 1 5 1 1\n"
    server.prime()
    for in_progress, named in ((2, "vda"), (0, "dm-0")):
        disk.in_progress = in_progress
        disk.tell(above)
        server.sample(60)
        server.sample(180)
        assert [subject for _, subject, _ in disk.found()] == [named]
    assert server.exposition().labels("host_disk_rotational", "device") == {"vda"}


def test_whether_a_disk_rotates_is_read_once_and_anew_for_another_disk(server: FixtureMachine) -> None:
    disk = Requests(server)
    assert server.read(Disks).disks[0].rotational is True
    server.write("sys/block/vda/queue/rotational", "0\n")
    assert server.read(Disks).disks[0].rotational is True
    disk.reads = 1
    disk.tell()
    assert server.read(Disks).disks[0].rotational is False
    server.remove("sys/block/vda/queue")
    disk.reads = 0
    disk.tell()
    assert server.read(Disks).disks[0].rotational is None


def test_counters_that_were_reset_have_no_rate_rather_than_a_negative_one(laptop: FixtureMachine) -> None:
    laptop.read(Disks)
    laptop.write("proc/diskstats", "259 0 nvme0n1 1 0 8 1 1 0 8 1 0 1 1\n")
    disk = laptop.read(Disks).disks[0]
    assert (disk.read_bytes, disk.read_rate_bytes, disk.write_rate_bytes) == (8 * SECTOR, None, None)


def test_a_disk_that_is_pulled_is_gone_from_the_next_sample(laptop: FixtureMachine) -> None:
    laptop.read(Disks)
    table = laptop.path("proc/diskstats").read_text().splitlines(keepends=True)
    laptop.write("proc/diskstats", "".join(line for line in table if "sdb" not in line))
    laptop.remove("sys/block/sdb")
    assert names(laptop) == ["nvme0n1"]


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"disk_partitions": True}, ["nvme0n1", "nvme0n1p1", "nvme0n1p2", "nvme0n1p3", "sdb", "sdb1"]),
        ({"exclude_disks": ""}, ["loop0", "nvme0n1", "sdb", "zram0"]),
        ({"exclude_disks": "nvme*"}, ["loop0", "sdb", "zram0"]),
    ],
)
def test_a_setting_decides_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], shown: list[str]
) -> None:
    assert names(FixtureMachine("laptop", tmp_path, monkeypatch, **settings)) == shown


def test_partitions_and_disks_built_on_others_are_not_added_to_the_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = FixtureMachine("server", tmp_path, monkeypatch, disk_partitions=True)
    numbers = "10 0 80 1 20 0 160 1 0 1 1"
    lines = ("8 0 sda", "8 1 sda1", "254 0 dm-0", "104 0 cciss/c0d0", "253 0 dm-1")
    machine.write("proc/diskstats", "".join(f"{line} {numbers}\n" for line in lines))
    for name in ("sda", "dm-0", "cciss!c0d0", "dm-1"):
        machine.write(f"sys/block/{name}/size", "1\n")
    machine.write("sys/block/dm-0/slaves/sda1", "")
    machine.write("sys/block/dm-1/slaves/cciss!c0d0", "")
    stacked = {disk.device: disk.stacked for disk in machine.read(Disks).disks}
    assert stacked == {"sda": False, "sda1": True, "dm-0": True, "cciss/c0d0": False, "dm-1": True}
    values = row(machine.sample())
    assert values["disk_read_bytes_total"] == 2 * 80 * SECTOR
    assert values["disk_written_bytes_total"] == 2 * 160 * SECTOR


def nvme(machine: FixtureMachine, *lines: str, hidden: tuple[str, ...]) -> None:
    """Give the machine these disks; the hidden ones are paths to the others."""
    machine.remove("sys/block")
    machine.write("proc/diskstats", "".join(f"259 {number} {line}\n" for number, line in enumerate(lines)))
    for name in (line.split()[0] for line in lines):
        machine.write(f"sys/block/{name}/hidden", f"{int(name in hidden)}\n")


USED, IDLE = "10 0 80 1 20 0 160 1 0 1 1", "0 0 0 0 0 0 0 0 0 0 0"


def test_a_path_to_an_nvme_disk_is_not_a_disk(server: FixtureMachine) -> None:
    nvme(
        server,
        f"nvme0n1 {USED}",
        f"nvme0c0n1 {USED}",
        f"nvme0c1n1 {USED}",
        f"sdx {USED}",
        hidden=("nvme0c0n1", "nvme0c1n1"),
    )
    assert names(server) == ["nvme0n1", "sdx"]
    assert row(server.sample())["disk_read_bytes_total"] == 2 * 80 * SECTOR


def test_where_linux_counts_only_the_paths_they_stand_for_the_disk(server: FixtureMachine) -> None:
    """Before Linux 6.4."""
    nvme(
        server,
        f"nvme0n1 {IDLE}",
        f"nvme0c0n1 {USED}",
        f"nvme0c1n1 {USED}",
        hidden=("nvme0c0n1", "nvme0c1n1"),
    )
    assert row(server.sample())["disk_read_bytes_total"] == 2 * 80 * SECTOR


@pytest.mark.parametrize(
    "name", ["zd0", "zd16", "drbd0", "loop7", "bcache0", "md127", "md_d1", "md_home", "ploop4", "dm-3", "emcpowera"]
)
def test_a_disk_built_on_others_is_known_by_name_where_it_has_no_slaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    machine = FixtureMachine("server", tmp_path, monkeypatch, exclude_disks="")
    nvme(machine, f"vda {USED}", f"{name} {USED}", hidden=())
    assert [disk.device for disk in machine.read(Disks).counted_once()] == ["vda"]
    assert name in names(machine)


@pytest.mark.parametrize("name", ["nbd0", "rbd0", "mmcblk0", "xvda", "pmem0", "sdaa", "zram0", "ublkb0", "etherd!e0.0"])
def test_other_disks_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    machine = FixtureMachine("server", tmp_path, monkeypatch, exclude_disks="")
    nvme(machine, f"vda {USED}", f"{name} {USED}", hidden=())
    machine.write("proc/diskstats", f"1 0 vda {USED}\n1 1 {name.replace('!', '/')} {USED}\n")
    assert [disk.device for disk in machine.read(Disks).counted_once()] == sorted(["vda", name.replace("!", "/")])


def test_without_sys_a_partition_is_known_by_its_name(server: FixtureMachine) -> None:
    server.remove("sys/block")
    shown = (
        "sda",
        "sda1",
        "sdb2",
        "nvme0n1",
        "nvme0n1p1",
        "nvme1n1",
        "mmcblk0",
        "mmcblk0p2",
        "cciss/c0d0",
        "cciss/c0d0p1",
    )
    server.write("proc/diskstats", "".join(f"8 0 {name} {USED}\n" for name in shown))
    assert names(server) == sorted(shown)
    once = [disk.device for disk in server.read(Disks).counted_once()]
    assert once == ["cciss/c0d0", "mmcblk0", "nvme0n1", "nvme1n1", "sda", "sdb2"]


def test_a_slash_in_a_device_name_is_an_exclamation_mark_in_sys(server: FixtureMachine) -> None:
    server.write("proc/diskstats", "104 0 cciss/c0d0 1 0 8 1 1 0 8 1 0 1 1\n104 1 cciss/c0d0p1 1 0 8 1 1 0 8 1 0 1 1\n")
    server.write("sys/block/cciss!c0d0/size", "1\n")
    assert names(server) == ["cciss/c0d0"]


def test_without_sys_everything_that_the_kernel_counts_is_shown(server: FixtureMachine) -> None:
    server.remove("sys/block")
    assert names(server) == ["vda", "vda1"]


def test_a_machine_without_disks_has_no_series_and_no_failure(server: FixtureMachine) -> None:
    server.write("proc/diskstats", "")
    assert names(server) == []
    assert not [name for name in server.exposition().names() if name.startswith("host_disk_")]


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_live_counters_are_those_of_diskstats(exporter: Exporter) -> None:
    def table() -> dict[str, list[int]]:
        lines = [line.split() for line in Path("/proc/diskstats").read_text().splitlines()]
        return {line[2]: [int(field) for field in line[3:14]] for line in lines}

    before = table()
    exporter.get()  # a sample taken before our first look may be a second old
    samples, after = exporter.samples(), table()
    shown = samples.labels("host_disk_read_bytes_total", "device")
    whole = {path.name for path in Path("/sys/block").iterdir()} if Path("/sys/block").is_dir() else shown
    assert shown <= whole
    for device in shown:
        written = samples.value("host_disk_written_bytes_total", device=device)
        reads = samples.value("host_disk_reads_completed_total", device=device)
        assert written is not None
        assert written <= after[device][6] * SECTOR
        assert reads is not None
        assert reads <= after[device][0]
        assert reads >= before[device][0] * 0.99
        assert written >= before[device][6] * SECTOR * 0.9
        for metric, column in (("read", 3), ("write", 7), ("queue", 10)):
            seconds = samples.value(f"host_disk_{metric}_seconds_total", device=device)
            if seconds is None:
                assert not any(before[device][each] for each in (3, 7, 9, 10))
            else:
                assert before[device][column] / 1000 * 0.9 <= seconds <= after[device][column] / 1000


def test_macos_counts_the_time_of_requests_and_not_that_of_the_disk(macos: MacOs) -> None:
    disk = macos.read(Disks).disks[0]
    assert (disk.read_seconds, disk.write_seconds) == (0.005, 0.006)
    assert (disk.busy_seconds, disk.queue_seconds) == (None, None)


def test_windows_has_no_time_of_requests(windows: Windows) -> None:
    """What psutil calls milliseconds there are whole seconds."""
    disk = windows.read(Disks).disks[0]
    assert (disk.read_seconds, disk.write_seconds, disk.queue_seconds) == (None, None, None)
    assert not {name for name in windows.exposition().names() if "disk" in name and "seconds" in name}


def test_a_driver_that_counts_requests_alone_has_no_times(laptop: FixtureMachine) -> None:
    """0 would read as a disk that is never busy and answers at once."""
    laptop.write("proc/diskstats", "9 127 nvme0n1 50000 0 2000000 0 30000 0 4000000 0 0 0 0\n")
    disk = laptop.read(Disks).disks[0]
    assert (disk.reads_completed, disk.read_bytes) == (50_000, 2_000_000 * SECTOR)
    assert (disk.busy_seconds, disk.read_seconds, disk.write_seconds, disk.queue_seconds) == (None,) * 4


def test_windows_does_not_count_busy_time(windows: Windows) -> None:
    disk = windows.read(Disks).disks[0]
    assert (disk.device, disk.busy_seconds) == ("PhysicalDrive0", None)
    exposition = windows.exposition()
    assert "host_disk_busy_seconds_total" not in exposition.names()
    assert exposition.value("host_disk_written_bytes_total", device="PhysicalDrive0") == 2_000_000


def test_a_name_that_is_not_text_does_not_break_the_exposition(server: FixtureMachine) -> None:
    """Lone surrogates, for example, could not be encoded."""
    line = server.path("proc/diskstats").read_bytes().replace(b"vda", b"vd\xff", 1)
    server.write("proc/diskstats", line)
    server.remove("sys/block")
    assert "vd\N{REPLACEMENT CHARACTER}" in server.exposition().labels("host_disk_read_bytes_total", "device")
