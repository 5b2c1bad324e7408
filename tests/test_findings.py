"""Each finding has an alert and a runbook of the same name: page, mail and runbook must not contradict each other."""

from __future__ import annotations

import io
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from exporter.findings import against
from exporter.render.line import plain_line
from exporter.render.rows import row
from exporter.render.terminal import view
from exporter.sampling.history import History
from exporter.thresholds import Level, Threshold
from exporter.web import create_app
from tests.machines import FixtureMachine
from tests.rules.test_rules import ALERTS, rules
from tests.support import Samples
from tests.support_records import BOOTED, boot
from tests.test_subjects import COLLECTOR_FILES, FINDINGS, ROOT, kinds
from tests.web.test_page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.findings import Finding
    from exporter.model import Snapshot

TEXTFILES = "var/lib/host-exporter/textfile"
EVERYTHING_TOO_MUCH: dict[str, Any] = {
    f"{resource}_{severity}": percent
    for resource in ("cpu", "memory", "filesystem")
    for severity, percent in (("warning", 1.0), ("critical", 2.0))
}


def sick_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> FixtureMachine:
    """Return the laptop with its battery at 3 %, no inodes left on /, and much else that is wrong.

    It booted a minute ago and had not been shut down.
    """
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch, **settings)
    laptop.write("sys/class/power_supply/AC/online", "0\n")
    laptop.write("sys/class/power_supply/BAT0/status", "Discharging\n")
    full = int(laptop.path("sys/class/power_supply/BAT0/energy_full").read_text())
    laptop.write("sys/class/power_supply/BAT0/energy_now", f"{full * 3 // 100}\n")
    laptop.write("proc/sys/kernel/threads-max", "500\n")
    laptop.write("timex.json", '{"state": 0, "status": 8193, "offset": 250000000, "max_error": 260000}')
    laptop.write("proc/uptime", "60.00 100.00\n")
    laptop.write("var/log/wtmp", boot(BOOTED - 900) + boot(BOOTED))
    laptop.write("run/utmp", boot(BOOTED))
    figures = json.loads(laptop.path("filesystems.json").read_text())
    figures["/"]["inodes_used"] = figures["/"]["inodes"]
    laptop.write("filesystems.json", json.dumps(figures))
    laptop.write("proc/spl/kstat/zfs/tank/state", "DEGRADED\n")
    laptop.write("sys/class/hwmon/hwmon2/temp1_input", "82850\n")
    laptop.write("sys/class/hwmon/hwmon5/fan1_alarm", "1\n")
    laptop.write("sys/class/hwmon/hwmon6/in1_lcrit_alarm", "1\n")
    return laptop


def thrashing(laptop: FixtureMachine, stalled: float) -> Snapshot:
    """Return a sample of the laptop after a minute of swapping 1 MiB/s each way, in which a process was killed.

    ``stalled`` is how many seconds all programs waited for memory.
    """
    laptop.write("proc/pressure/memory", "some total=0\nfull total=0\n")
    laptop.sample()
    laptop.write("proc/vmstat", "pswpin 1256\npswpout 2000\npgmajfault 4300\noom_kill 2\n")
    laptop.write("proc/pressure/memory", f"some total=50000000\nfull total={stalled * 1e6:.0f}\n")
    laptop.sample()
    laptop.write("proc/vmstat", "pswpin 21256\npswpout 22000\npgmajfault 24300\noom_kill 3\n")
    return laptop.sample(70)


def ruin_disks(machine: FixtureMachine, wear: str, step: str) -> None:
    """Give a machine a failing and a worn disk, a worn eMMC, few spare blocks, an old backup and a broken file."""
    smart = machine.path(f"{TEXTFILES}/smart.prom").read_text()
    smart = smart.replace('serial="EX0000002"} 1', 'serial="EX0000002"} 0').replace(" 0.12", f" {wear}")
    smart += 'host_disk_spare_ratio{device="sdz",model="",serial=""} 0.2\n'
    machine.write(f"{TEXTFILES}/smart.prom", smart)
    machine.write(f"{TEXTFILES}/broken.prom", "broken\n")
    machine.write(f"{TEXTFILES}/backup.prom", "host_backup_last_success_timestamp_seconds 0\n")
    machine.write("sys/class/block/mmcblk0/device/life_time", f"0x01 {step}\n")
    machine.write("sys/class/block/mmcblk1/device/pre_eol_info", "0x03\n")


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureMachine:
    return sick_laptop(tmp_path, monkeypatch)


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Every kind of finding that a fixture can produce, at each of its levels."""
    found: list[Finding] = []
    variants: tuple[dict[str, Any], ...] = ({}, EVERYTHING_TOO_MUCH, {"memory_critical": 99, "cpu_warning": 1})
    for number, settings in enumerate(variants):
        machine = sick_laptop(tmp_path / str(number), monkeypatch, **settings)
        mounts = machine.path("proc/1/mountinfo").read_text()
        machine.write(
            "proc/1/mountinfo", mounts.replace("xfs /dev/mapper/home rw", "ext4 /dev/mapper/home rw,shutdown")
        )
        machine.write("sys/fs/ext4/nvme0n1p2/errors_count", "1\n")
        machine.write("sys/fs/ext4/nvme0n1p2/last_error_time", f"{time.time():.0f}\n")
        machine.write("sys/block/md0/md/degraded", "1\n")
        ruin_disks(machine, *(("0.8", "0x0b") if number else ("0.99", "0x09")))
        machine.write("sys/class/hwmon/hwmon1/temp1_input", "84850\n")
        machine.write("sys/devices/system/edac/mc/mc0/ue_count", "1\n")
        found += machine.later().findings()
        found += thrashing(machine, stalled=10 if number else 40).findings()
        for minute in range(11):
            # 600 reads of 0.5 s a minute; then one that does not end.
            line = f"259 0 nvme0n1 {60_000 + 600 * minute} 0 9 {900_000 + 300_000 * minute} 9 0 9 9 1 9 9\n"
            machine.write("proc/diskstats", line)
            found += machine.sample(60).findings()
        found += machine.sample(180).findings()
        machine.remove("proc/meminfo")
        found += machine.sample().findings()
    return found


def test_every_kind_of_finding_is_tested_and_has_an_alert_of_its_level(found: list[Finding]) -> None:
    named = {kind for path in (*COLLECTOR_FILES, FINDINGS) for kind in kinds(path)}
    assert {each.kind for each in found} == named, "a kind of finding that no fixture produces is not tested"
    alerts = {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert {(each.kind, str(each.level)) for each in found} <= alerts


def test_a_fixed_limit_is_the_same_in_the_collector_and_in_its_rule(found: list[Finding]) -> None:
    fixed = {(each.kind, each.limit, each.below) for each in found if each.limit is not None and not each.resource}
    assert {kind for kind, _, _ in fixed} >= {"HostBatteryLow", "HostInodesLow", "HostDiskWorn"}
    for kind, limit, below in fixed:
        expressions = [rule["expr"] for rule in rules() if rule.get("alert") == kind]
        condition = rf"\bhost_[\w:]+ {'<=' if below else '>='} {re.escape(f'{limit:g}')}(?![\d.])"
        assert any(re.search(condition, expr) for expr in expressions), f"{kind}: {limit:g} is not in {expressions}"


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (Threshold(0.8, 0.9), [(Level.OK, 0.8), (Level.WARNING, 0.8), (Level.CRITICAL, 0.9)]),
        (Threshold(None, 0.9), [(Level.OK, 0.9), (Level.OK, 0.9), (Level.CRITICAL, 0.9)]),
        (Threshold(0.8, None), [(Level.OK, 0.8), (Level.WARNING, 0.8), (Level.WARNING, 0.8)]),
        (Threshold(None, None), [None, None, None]),
    ],
)
def test_a_usage_is_compared_with_the_limits_that_are_set(
    threshold: Threshold, expected: list[tuple[Level, float] | None]
) -> None:
    for ratio, wanted in zip((0.5, 0.8, 0.9), expected, strict=True):
        found = list(against(threshold, ratio, kind="HostHighCpu", resource="cpu", what="CPU"))
        assert [(each.level, each.limit) for each in found] == ([] if wanted is None else [wanted])
    assert not list(against(threshold, None, kind="HostHighCpu", resource="cpu", what="CPU"))


BATTERY = "Battery 3 % (warning at 15 % or less)"
INODES = "Inodes on / 100 % (warning at 90 %)"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def of_kind(snapshot: Snapshot, kind: str) -> list[Finding]:
    return [finding for finding in snapshot.findings() if finding.kind == kind]


def test_a_low_battery_and_missing_inodes_are_on_the_page(laptop: FixtureMachine) -> None:
    laptop.prime()
    answer = create_app(laptop.sampler, laptop.settings, History()).test_client().get("/")
    page = Page(answer.text)
    listed = [plain(text) for _, text in page.all("li")]
    assert BATTERY in listed
    assert INODES in listed
    badge, words = page.one("p", id="badge")
    assert badge["class"] != "ok"
    assert words != "all well"
    assert page.one("h2", id="battery")[1] == "Battery warning"


def test_a_low_battery_and_missing_inodes_are_in_the_terminal(laptop: FixtureMachine) -> None:
    snapshot = laptop.sample()
    console = Console(record=True, width=100, file=io.StringIO(), highlight=False)
    console.print(view(snapshot, laptop.settings.thresholds(), 100))
    text = plain(console.export_text())
    assert BATTERY in text
    assert INODES in text
    line = plain_line(snapshot)
    assert BATTERY in line
    assert INODES in line


def test_a_low_battery_and_missing_inodes_are_in_json_csv_and_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"filesystem_warning": 98, "filesystem_critical": 99, "memory_warning": 89}
    machine = sick_laptop(tmp_path, monkeypatch, exclude_mountpoints="/mnt/*", **limits)
    machine.prime()
    snapshot = machine.sample()
    app = create_app(machine.sampler, machine.settings, History())
    stats = json.loads(app.test_client().get("/api/stats").data)
    assert [each for each in stats["findings"] if each["kind"] in {"HostInodesLow", "HostBatteryLow"}] == [
        {"kind": "HostInodesLow", "level": "warning", "subject": "/", "text": INODES},
        {"kind": "HostBatteryLow", "level": "warning", "subject": "", "text": BATTERY},
    ]
    assert stats["level"] == "warning"
    assert {each["level"] for each in stats["levels"]} == {"ok"}, "these are measured against the owner's limits only"
    assert row(snapshot)["level"] == "warning"
    assert machine.exposition(snapshot).value("host_level") == 1


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        (EVERYTHING_TOO_MUCH, Level.CRITICAL),
        ({"exclude_mountpoints": "/mnt/*", "filesystem_warning": 98, "filesystem_critical": 99}, Level.WARNING),
        (None, Level.OK),
    ],
    ids=["critical", "warning", "ok"],
)
def test_fleet_shows_the_level_of_the_page(
    settings: dict[str, Any] | None, level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (rule,) = [rule for rule in rules() if rule.get("record") == "instance:host_level:max"]
    assert rule["expr"] == "max by (job, instance) (host_level)"
    assert "instance:host_level:max" in (ROOT / "grafana/dashboards/fleet.json").read_text(encoding="utf-8")
    machine = FixtureMachine("server", tmp_path, monkeypatch)
    if settings is not None:
        machine = sick_laptop(tmp_path / "sick", monkeypatch, **settings)
    machine.prime()
    client = create_app(machine.sampler, machine.settings, History()).test_client()
    badge, _ = Page(client.get("/").text).one("p", id="badge")
    assert badge["class"] == str(level)
    assert Samples.parse(client.get("/metrics").text).value("host_level") == level


def test_a_collector_that_fails_and_a_filesystem_that_cannot_be_read_are_findings(laptop: FixtureMachine) -> None:
    laptop.remove("proc/meminfo")
    snapshot = laptop.sample()
    (failing,) = of_kind(snapshot, "HostCollectorFailing")
    (unreadable,) = of_kind(snapshot, "HostFilesystemError")
    assert (failing.subject, failing.level, failing.missing) == ("memory", Level.WARNING, True)
    assert (unreadable.subject, unreadable.level, unreadable.missing) == ("/mnt/late", Level.WARNING, True)
