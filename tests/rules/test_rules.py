"""Every alert rule fires, just does not fire and ends, by promtool; one YAML file an alert beside this one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
SHIPPED = HERE.parent.parent / "alerts.yml"
FILES = sorted(HERE.glob("*.yml"))
LOCK_SCREEN = 80  # characters of a subject that a phone shows in two lines
NEXT_STEP = 120  # characters of an instruction that nobody has to read twice


def rules() -> list[dict[str, Any]]:
    """Return the shipped rules."""
    groups = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]


def expectations(alert: str) -> Iterator[dict[str, Any]]:
    """Yield what is expected of an alert, moment by moment."""
    for test in yaml.safe_load((HERE / f"{alert}.yml").read_text(encoding="utf-8"))["tests"]:
        yield from (moment for moment in test["alert_rule_test"] if moment["alertname"] == alert)


def promtool(*arguments: str | Path, folder: Path = HERE) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    command = [program("promtool"), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=500)


def test_promtool_has_nothing_to_say_about_the_rules() -> None:
    answer = promtool("check", "rules", "--lint=all", "--lint-fatal", SHIPPED)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def only(alert: str, text: str) -> str:
    """Return rules without those that this one's file does not need: they cost nine tenths of the time."""
    asked = (HERE / f"{alert}.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w:]+", asked))
    document = yaml.safe_load(text)
    everything = [rule for group in document["groups"] for rule in group["rules"]]
    needed = [rule for rule in everything if rule.get("alert", rule.get("record")) in named]
    for rule in needed:  # grows while it is read: records of records
        names = set(re.findall(r"[\w:]+", yaml.safe_dump(rule, width=10**6)))
        needed += [each for each in everything if each.get("record") in names and each not in needed]
    for group in document["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule in needed]
        if "\nevaluation_interval: 1m\n" in asked:  # a test of a day, with no need of an evaluation every 5 s
            group.pop("interval", None)
    return yaml.safe_dump(document)


def judge(folder: Path, alert: str, text: str) -> subprocess.CompletedProcess[str]:
    """Run an alert's tests in a folder of their own, with rules of which only those that it needs are taken."""
    (folder / "alerts.yml").write_text(only(alert, text), encoding="utf-8")
    tests = (HERE / f"{alert}.yml").read_text(encoding="utf-8").replace("../../alerts.yml", "alerts.yml")
    (folder / "test.yml").write_text(tests, encoding="utf-8")
    return promtool("test", "rules", "test.yml", folder=folder)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("alert", [file.stem for file in FILES])
def test_alert(tmp_path: Path, alert: str) -> None:
    answer = judge(tmp_path, alert, SHIPPED.read_text(encoding="utf-8"))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_the_mail_is_told_how_long_an_alert_keeps_firing(rule: dict[str, Any]) -> None:
    """Otherwise it would say that the problem lasted that much longer."""
    assert rule["annotations"].get("keep_firing_for") == rule.get("keep_firing_for")


def test_there_is_a_file_for_every_alert_and_no_other() -> None:
    assert {file.stem for file in FILES} == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_every_rule_is_seen_firing_and_every_alert_seen_not_firing(rule: dict[str, Any]) -> None:
    moments = list(expectations(rule["alert"]))
    severities = {alert["exp_labels"]["severity"] for moment in moments for alert in moment["exp_alerts"]}
    assert rule["labels"]["severity"] in severities
    assert rule["alert"] == "Watchdog" or any(not moment["exp_alerts"] for moment in moments)


@pytest.mark.parametrize("alert", sorted({rule["alert"] for rule in ALERTS}))
def test_what_it_says_is_short_enough_for_a_lock_screen_and_leads_on(alert: str) -> None:
    fired = [alert for moment in expectations(alert) for alert in moment["exp_alerts"]]
    assert fired
    for one in fired:
        said = one["exp_annotations"]
        assert 0 < len(said["summary"]) <= LOCK_SCREEN
        assert said["description"]
        assert alert == "Watchdog" or 0 < len(said["next_step"]) <= NEXT_STEP
        assert said["runbook_url"] == f"http://localhost:5000/runbooks#{alert.lower()}"
