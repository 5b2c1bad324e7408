"""Host's "Full in" follows the same trend as the alert HostFilesystemFillingUp: promtool evaluates both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.dashboards.boards import fill, queries
from tests.rules.test_rules import SHIPPED, promtool

if TYPE_CHECKING:
    from pathlib import Path

MINE = 'job="host", instance="a:5000"'
DISK = f'{MINE}, device="/dev/sda1", mountpoint="/", fstype="ext4"'
SHOWN = '{device="/dev/sda1", fstype="ext4", mountpoint="/"}'
GB = 10**9
DAY = 86400
(FULL_IN,) = (fill(q.expr, instance="a:5000") for q in queries() if (q.panel, q.ref) == ("Filesystems now", "E"))


def constant(gigabytes: int, minutes: int) -> str:
    return f"{gigabytes * GB}x{minutes - 1}"


def falling(begin: int, end: int, minutes: int) -> str:
    return f"{begin * GB}-{(begin - end) * GB // minutes}x{minutes - 1}"


def judge(folder: Path, available: str, minutes: int, seconds: str, *, fires: bool) -> None:
    """Compare panel and alert at a moment, of a filesystem with this free space, minute by minute."""
    series = {
        f"host_filesystem_available_bytes{{{DISK}}}": available,
        f"host_filesystem_usage_ratio{{{DISK}}}": f"0.7x{minutes}",
        f"host_filesystem_readonly{{{DISK}}}": f"0x{minutes}",
        f"up{{{MINE}}}": f"1x{minutes}",
    }
    at = f"{minutes}m"
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"round({FULL_IN}, 3600) {seconds or '>= 0'}",
                "eval_time": at,
                "exp_samples": [{"labels": SHOWN, "value": 1}] if seconds else [],
            },
            {
                "expr": 'count(ALERTS{alertname="HostFilesystemFillingUp", alertstate="firing"}) or vector(0)',
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            },
        ],
    }
    rules = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        kept = {"instance:host_seen:timestamp_seconds", "HostFilesystemFillingUp"}
        group["rules"] = [rule for rule in group["rules"] if {rule.get("record"), rule.get("alert")} & kept]
    (folder / "alerts.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    file = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "group_eval_order": [group["name"] for group in rules["groups"]],
        "tests": [test],
    }
    (folder / "test.yml").write_text(yaml.safe_dump(file), encoding="utf-8")
    answer = promtool("test", "rules", "test.yml", folder=folder)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_steady_trend_is_extrapolated(tmp_path: Path) -> None:
    """400 GB at 20 GB an hour."""
    judge(tmp_path, falling(500, 400, 300), 299, "== bool 72000", fires=True)


def test_a_trend_of_more_than_a_day_is_shown_and_fires_nothing(tmp_path: Path) -> None:
    judge(tmp_path, falling(500, 480, 300), 299, f"> bool {4 * DAY}", fires=False)


def test_the_slowest_hour_counts(tmp_path: Path) -> None:
    """40 GB an hour, then 10 GB an hour: 290 GB are full in 29 hours, not in 9."""
    judge(tmp_path, f"{falling(500, 300, 300)} {falling(300, 290, 70)}", 369, f"> bool {DAY}", fires=False)


@pytest.mark.parametrize("minutes", [0, 20, 70, 200])
def test_one_copy_is_no_trend(tmp_path: Path, minutes: int) -> None:
    available = f"{constant(380, 360)} {falling(380, 230, 20)} {constant(230, 300)}"
    judge(tmp_path, available, 379 + minutes, "", fires=False)


@pytest.mark.parametrize("minutes", [20, 60, 100])
def test_the_first_two_hours_of_a_machine_are_no_trend(tmp_path: Path, minutes: int) -> None:
    judge(tmp_path, falling(500, 440, 180), minutes, "", fires=False)


def test_what_is_full_is_full_now(tmp_path: Path) -> None:
    judge(tmp_path, constant(0, 180), 170, "== bool 0", fires=False)
