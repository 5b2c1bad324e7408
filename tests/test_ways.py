"""Every alert about a machine has its way to die in tests/tools/ways, or a reason why not."""

from __future__ import annotations

import re

import yaml

from tests.tools.stack.shipped import ROOT
from tests.tools.ways.run import HEALTHY
from tests.tools.ways.scenes import NOT_A_WAY, WAYS
from tests.tools.ways.table import PAGE, PLACE


def host_alerts() -> set[str]:
    groups = yaml.safe_load((ROOT / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    names = {rule.get("alert", "") for group in groups for rule in group["rules"]}
    return {name for name in names if name.startswith("Host")}


def test_every_host_alert_is_a_way_to_die_or_says_why_not() -> None:
    covered = {way.alert for way in WAYS}
    assert sorted(covered & NOT_A_WAY.keys()) == []
    assert sorted(host_alerts() - covered - NOT_A_WAY.keys()) == [], "add it to tests/tools/ways"
    assert sorted(NOT_A_WAY.keys() - host_alerts()) == [], "no such alert"
    assert all(len(reason) > 20 for reason in NOT_A_WAY.values())


def test_every_way_is_a_machine_of_its_own() -> None:
    names = [way.name for way in (HEALTHY, *WAYS)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][a-z0-9-]{0,62}", name) for name in names), "it is a host name"


def test_the_documentation_has_a_place_for_the_table() -> None:
    assert len(PLACE.findall(PAGE.read_text(encoding="utf-8"))) == 1
