"""Files in targets/ are added, changed, broken and removed while Prometheus runs; no other machine is affected."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.dashboards.boards import fill, queries
from tests.fleet.fleet import Fleet, targets
from tests.fleet.pair import shipped
from tests.fleet.stack import Watched
from tests.stack.support import shorten
from tests.support import eventually
from tests.support_servers import missing
from tests.tools.reference import families
from tests.tools.stack.chain import MissingError
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="each machine has an address of its own")

MACHINES = 8
ALERT = "PrometheusTargetFileBroken"
BROKEN = ('- targets: ["never:closed', "- targets: 5\n", "just words\n", "- {labels: {a: b}, unknown: 1}\n")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    try:
        chain = Watched(MACHINES, tmp_path_factory.mktemp("fleet"), edit=shorten)
    except MissingError as reason:
        missing(str(reason))
    with chain as running:
        eventually(lambda: known(running) == instances(*range(1, 8)))
        running.file.unlink()
        eventually(lambda: not known(running))
        yield running


def ours() -> list[str]:
    """Return the labels of our own series, as they are called after a scrape, which has a job of its own."""
    found = [family for _, _, group in families() for family in group]
    labels = {label for family in found for sample in family.samples for label in sample.labels}
    return sorted(labels - {"job"} | {"exported_job"})


def known(watched: Watched) -> set[str]:
    """Return the machines that Prometheus scrapes, except the first, which is in no file."""
    active = watched.ask("targets", state="active")["activeTargets"]
    first = f"127.0.0.1:{watched.port}"
    return {each["labels"]["instance"] for each in active if each["labels"]["job"] == "host"} - {first}


def instances(*numbers: int) -> set[str]:
    return {f"{Fleet(MACHINES).machines[number].name}:5000" for number in numbers}


def move_in(text: str, file: Path) -> None:
    """Write a file as docs/scaling.md says. If written in place, Prometheus might read it while it is empty."""
    beside = file.parent.parent / file.name
    beside.write_text(text)
    beside.replace(file)


def listing(watched: Watched, *numbers: int) -> str:
    return targets([Fleet(MACHINES).machines[number] for number in numbers], watched.port)


def errors(watched: Watched) -> float:
    return watched.own("prometheus_sd_file_read_errors_total")


def alert(watched: Watched, name: str = ALERT) -> list[str]:
    """Return the states of an alert, by default the one about target files."""
    return [each["state"] for each in watched.ask("alerts")["alerts"] if each["labels"]["alertname"] == name]


def test_machines_come_change_and_go_with_their_files(watched: Watched) -> None:
    before = errors(watched)
    one, two = watched.chain.targets / "one.yml", watched.chain.targets / "two.yml"
    one.write_text(listing(watched, 1, 2))
    eventually(lambda: known(watched) == instances(1, 2))
    two.write_text(listing(watched, 3))
    eventually(lambda: known(watched) == instances(1, 2, 3))
    one.write_text(listing(watched, 2, 4))
    eventually(lambda: known(watched) == instances(2, 3, 4))
    there = Fleet(MACHINES).machines[3].name
    eventually(lambda: watched.number(f'count(host_info{{hostname="{there}"}})') == 1 or up(watched, 3) == 0)
    two.unlink()
    eventually(lambda: known(watched) == instances(2, 4))
    # A machine that is no longer in any file is dropped at once, and no alert says that it is down.
    eventually(lambda: watched.query(f'up{{instance="{there}:5000"}}') == [])
    one.unlink()
    eventually(lambda: not known(watched))
    assert errors(watched) == before


def up(watched: Watched, number: int) -> float:
    return watched.number(f'up{{instance="{Fleet(MACHINES).machines[number].name}:5000"}}')


def test_a_broken_file_changes_nothing_is_told_of_and_can_be_mended(watched: Watched) -> None:
    good, bad = watched.chain.targets / "good.yml", watched.chain.targets / "bad.yml"
    move_in(listing(watched, 1), good)
    move_in(listing(watched, 2, 3), bad)
    eventually(lambda: known(watched) == instances(1, 2, 3))
    assert not alert(watched)
    for text in BROKEN:
        before = errors(watched)
        move_in(text, bad)
        eventually(lambda before=before: errors(watched) > before)  # type: ignore[misc]
        assert known(watched) == instances(1, 2, 3)
    move_in(listing(watched, 1, 5), good)  # the others are still read
    eventually(lambda: known(watched) == instances(1, 2, 3, 5))
    eventually(lambda: alert(watched) == ["firing"], 40)
    assert known(watched) == instances(1, 2, 3, 5)
    move_in(listing(watched, 2, 6), bad)
    eventually(lambda: known(watched) == instances(1, 2, 5, 6))
    eventually(lambda: not alert(watched), 40)


def test_an_address_that_is_none_is_told_of_and_costs_the_others_nothing(watched: Watched) -> None:
    """Prometheus has no such target: it is neither up nor down."""
    file = watched.chain.targets / "mixed.yml"
    before = known(watched)
    move_in('[{"targets": ["http://127.0.0.1:1"]},' + listing(watched, 7).removeprefix("["), file)
    eventually(lambda: known(watched) == before | instances(7))
    eventually(lambda: alert(watched, "PrometheusTargetsMissing") == ["firing"], 60)
    move_in(listing(watched, 7), file)
    eventually(lambda: not alert(watched, "PrometheusTargetsMissing"), 60)


def test_labels_of_a_file_hide_none_of_ours(watched: Watched) -> None:
    """If ``hostname`` differed between two files, rules would fail for all machines."""
    file = watched.chain.targets / "labelled.yml"
    before = known(watched)
    (entry,) = json.loads(listing(watched, 4))
    twice = [entry | {"labels": entry["labels"] | dict.fromkeys((*ours(), "job", "site"), value)} for value in "ab"]
    twice[1]["labels"]["site"] = "a"
    move_in(json.dumps(twice), file)
    machine = f'{{job="host", instance="{entry["labels"]["instance"]}", site="a"}}'
    eventually(lambda: watched.number(f"up{machine}") == 1)
    assert known(watched) == before | instances(4)
    (info,) = watched.query(f"host_info{machine}")
    assert info["metric"]["hostname"] == Fleet(MACHINES).machines[4].name
    names = {
        name
        for series in watched.ask("series", **{"match[]": f'{{__name__=~"host_.+", {machine[1:]}'})
        for name in series
    }
    assert names >= {"name", "device", "site"}
    assert {name for name in names if name.startswith("exported_")} == {"exported_job"}, "that of backups"
    assert not watched.query(f"{{__name__=~'up|host_cpu_seconds_total', hostname!='', {machine[1:]}")


def test_a_machine_in_two_files_costs_no_rule_and_no_panel(watched: Watched) -> None:
    (entry,) = json.loads(listing(watched, 4))
    twice = [entry | {"labels": entry["labels"] | {"site": site}} for site in "ab"]
    move_in(json.dumps(twice), watched.chain.targets / "twice.yml")
    instance = entry["labels"]["instance"]
    eventually(lambda: watched.number(f'count(host_alert_threshold_ratio{{instance="{instance}"}})') == 12)
    for query in (query for query in queries() if query.board in {"host", "fleet"}):
        watched.query(fill(query.expr, instance=instance if query.board == "host" else ".+"))
    groups = watched.ask("rules")["groups"]
    assert [
        (rule["name"], rule.get("lastError")) for group in groups for rule in group["rules"] if rule["health"] == "err"
    ] == []


@pytest.mark.parametrize("where", ["prometheus.yml", "docker-compose.fleet.yml", "examples/tls/job.yml"])
def test_every_label_of_ours_is_kept_from_target_files(where: str) -> None:
    text = shipped({}).config("fleet") if "fleet" in where else (ROOT / where).read_text(encoding="utf-8")
    job = next(job for job in yaml.safe_load(text)["scrape_configs"] if job["job_name"].startswith("host"))
    drop, rename = job["relabel_configs"]
    page = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    listed = re.search(r"labels of our own series: (.+?)\.", page, re.DOTALL)
    assert listed
    assert re.findall(r"`(\w+)`", listed[1]) == ours()
    assert drop == {"action": "labeldrop", "regex": "|".join(ours())}
    assert rename == {"target_label": "job", "replacement": "host"}
