"""What tells alerts of one name apart: each has a bar of its own under "Alerts", and counts as one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from grafana import alerting
from tests.dashboards.boards import BOARDS, panels
from tests.support_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = Path(__file__).parents[1] / "rules"
EVERYWHERE = {"alertname", "job", "instance", "hostname", "severity"}
SAID_BY_OTHERS = {"fstype": "device", "model": "serial", "type": "pool", "site": "instance"}
"""Labels that go with another one."""
ALERTS = 'ALERTS{job="host"}'
WHERE = {"job": "host", "instance": "a:5000", "alertstate": "firing"}
FIRING = {
    "HostTooHot coretemp Core 0": {"chip": "coretemp", "sensor": "Core 0"},
    "HostTooHot coretemp Core 1": {"chip": "coretemp", "sensor": "Core 1"},
    "HostTooHot acpitz temp1": {"chip": "acpitz", "sensor": "temp1"},
    "HostTooHot nvme temp1": {"chip": "nvme", "sensor": "temp1"},
    "HostRaidDegraded md0": {"device": "md0"},
    "HostRaidDegraded md1": {"device": "md1"},
    "HostPoolDegraded tank": {"pool": "tank"},
    "HostLimitNear threads": {"resource": "threads"},
    "HostLimitNear conntrack": {"resource": "conntrack"},
    "HostMemoryErrors corrected": {"kind": "corrected"},
    "HostBackupStale home": {"exported_job": "home"},
    "HostTextfileStale smart.prom": {"file": "smart.prom"},
    "HostFilesystemFull /home": {"mountpoint": "/home", "device": "/dev/sda2", "fstype": "ext4"},
    "HostFilesystemFull /": {"mountpoint": "/", "device": "/dev/sda1", "fstype": "ext4"},
}
"""What fires, by the name of its bar."""
PLUGGED_AGAIN = {"mountpoint": "/home", "device": "/dev/sdb2", "fstype": "ext4"}


def rows(alert: str) -> Iterator[str]:
    """Yield the labels of all alerts that the tests of the rules expect."""
    for file in RULES.glob(alert):
        for test in yaml.safe_load(file.read_text(encoding="utf-8")).get("tests", []):
            for asked in test.get("alert_rule_test") or []:
                for expected in asked.get("exp_alerts") or []:
                    if asked["alertname"].startswith("Host"):
                        yield from expected["exp_labels"]


def test_every_label_by_which_alerts_differ_is_asked_for() -> None:
    known = {"device", "mountpoint", *alerting.SUBJECTS.split(", ")}
    assert set(rows("*.yml")) - EVERYWHERE - set(SAID_BY_OTHERS) == known
    assert set(SAID_BY_OTHERS.values()) <= known | EVERYWHERE


def test_the_dashboard_asks_so() -> None:
    (panel,) = [panel for panel in panels(BOARDS["host"]) if panel["title"] == "Alerts"]
    (query,) = [target for target in panel["targets"] if "ALERTS" in target["expr"]]
    assert query["legendFormat"] == alerting.NAMED
    assert alerting.SUBJECTS in query["expr"]
    marks = [mark for mark in BOARDS["host"]["annotations"]["list"] if not mark.get("builtIn")]
    assert all(alerting.SUBJECTS in mark["target"]["expr"] for mark in marks)


def series(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def alert(bar: str, labels: dict[str, str], severity: str = "warning") -> dict[str, Any]:
    found = {"alertname": bar.partition(" ")[0], "severity": severity} | WHERE | labels
    return {"series": f"ALERTS{series(found)}", "values": "1+0x8"}


@pytest.mark.parametrize("question", ["bars", "count"])
def test_each_has_a_bar_of_its_own_and_a_critical_one_none_beside_its_warning(tmp_path: Path, question: str) -> None:
    given = [alert(bar, labels) for bar, labels in FIRING.items()]
    given.append(alert("HostRaidDegraded", {"device": "md0"}, "critical"))
    if question == "bars":  # a disk that has another device now is still the same
        given.append(alert("HostFilesystemFull", PLUGGED_AGAIN))
        expr = alerting.bars(ALERTS).replace("$__interval", "1m")
        samples = [
            {"labels": series(bar_labels(bar, labels)), "value": 2 if bar == "HostRaidDegraded md0" else 1}
            for bar, labels in FIRING.items()
        ]
    else:
        expr, samples = f"count({alerting.firing(ALERTS)})", [{"labels": "{}", "value": len(FIRING)}]
    asked = [{"expr": expr, "eval_time": "2m", "exp_samples": samples}]
    file = tmp_path / "bars.yml"
    file.write_text(yaml.safe_dump({"tests": [{"interval": "15s", "input_series": given, "promql_expr_test": asked}]}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(file)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def bar_labels(bar: str, labels: dict[str, str]) -> dict[str, str]:
    place = labels.get("mountpoint") or labels.get("device")
    kept = {name: value for name, value in labels.items() if name in alerting.SUBJECTS.split(", ")}
    found = {"alertname": bar.partition(" ")[0]} | kept | ({"place": place} if place else {})
    assert named(found) == bar
    return found


def named(labels: dict[str, str]) -> str:
    """Return the name of a bar as Grafana fills it in."""
    text = alerting.NAMED
    for label in ("alertname", "place", *alerting.SUBJECTS.split(", ")):
        text = text.replace(f"{{{{{label}}}}}", labels.get(label, ""))
    return text.strip()
