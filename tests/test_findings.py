"""Each finding has an alert and a runbook of the same name: page, mail and runbook must not contradict each other."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from exporter.collectors import battery, filesystem
from exporter.render.line import plain_line
from exporter.render.rows import row
from exporter.render.terminal import view
from exporter.sampling.history import History
from exporter.thresholds import Level
from exporter.web import create_app
from tests.machines import FixtureMachine
from tests.rules.test_rules import ALERTS, rules
from tests.test_subjects import COLLECTOR_FILES, FINDINGS, kinds
from tests.web.test_page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.findings import Finding
    from exporter.model import Snapshot

EVERYTHING_TOO_MUCH: dict[str, Any] = {
    f"{resource}_{severity}": percent
    for resource in ("cpu", "memory", "filesystem")
    for severity, percent in (("warning", 1.0), ("critical", 2.0))
}


def sick_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> FixtureMachine:
    """Return the laptop with its battery at 3 %, no inodes left on /, and a mount that it cannot see."""
    laptop = FixtureMachine("laptop", tmp_path, monkeypatch, **settings)
    laptop.write("sys/class/power_supply/AC/online", "0\n")
    laptop.write("sys/class/power_supply/BAT0/status", "Discharging\n")
    full = int(laptop.path("sys/class/power_supply/BAT0/energy_full").read_text())
    laptop.write("sys/class/power_supply/BAT0/energy_now", f"{full * 3 // 100}\n")
    figures = json.loads(laptop.path("filesystems.json").read_text())
    figures["/"]["inodes_used"] = figures["/"]["inodes"]
    laptop.write("filesystems.json", json.dumps(figures))
    return laptop


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureMachine:
    return sick_laptop(tmp_path, monkeypatch)


def found_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, Level]]:
    """Return every kind of finding that a fixture can produce, with its levels."""
    found: set[tuple[str, Level]] = set()
    variants: tuple[dict[str, Any], ...] = ({}, EVERYTHING_TOO_MUCH, {"memory_critical": 99, "cpu_warning": 1})
    for number, settings in enumerate(variants):
        machine = sick_laptop(tmp_path / str(number), monkeypatch, **settings)
        found |= {(each.kind, each.level) for each in machine.later().findings()}
        machine.remove("proc/meminfo")
        found |= {(each.kind, each.level) for each in machine.sample().findings()}
    return found


def test_every_kind_of_finding_is_tested_and_has_an_alert_of_its_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = found_by_all(tmp_path, monkeypatch)
    named = {kind for path in (*COLLECTOR_FILES, FINDINGS) for kind in kinds(path)}
    assert {kind for kind, _ in found} == named, "a kind of finding that no fixture produces is not tested"
    alerts = {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    assert {(kind, str(level)) for kind, level in found} <= alerts


@pytest.mark.parametrize(
    ("alert", "condition"),
    [
        ("HostBatteryLow", f"host_battery_charge_ratio <= {battery.LOW:g}"),
        ("HostInodesLow", f"host_filesystem_inodes_usage_ratio >= {filesystem.INODES_LOW:g}"),
    ],
)
def test_a_fixed_limit_is_the_same_in_the_collector_and_in_its_rule(alert: str, condition: str) -> None:
    (rule,) = [rule for rule in rules() if rule.get("alert") == alert]
    assert re.search(rf"(?<!\w){re.escape(condition)}(?![\d.])", rule["expr"]), rule["expr"]


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


def test_the_level_in_fleet_is_the_one_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (rule,) = [rule for rule in rules() if rule.get("record") == "instance:host_level:max"]
    assert rule["expr"] == "max by (job, instance) (host_level)"
    for settings, level in ((EVERYTHING_TOO_MUCH, Level.CRITICAL), ({}, Level.CRITICAL)):
        machine = sick_laptop(tmp_path / str(len(settings)), monkeypatch, **settings)
        snapshot = machine.sample()
        assert snapshot.level() is level
        assert machine.exposition(snapshot).value("host_level") == level


def test_a_collector_that_fails_and_a_filesystem_that_cannot_be_read_are_findings(laptop: FixtureMachine) -> None:
    laptop.remove("proc/meminfo")
    snapshot = laptop.sample()
    (failing,) = of_kind(snapshot, "HostCollectorFailing")
    (unreadable,) = of_kind(snapshot, "HostFilesystemError")
    assert (failing.subject, failing.level, failing.missing) == ("memory", Level.WARNING, True)
    assert (unreadable.subject, unreadable.level, unreadable.missing) == ("/mnt/late", Level.WARNING, True)
