"""Every alert about a machine has its way to die in tests/tools/ways, or a reason why not."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from tests.tools.stack.shipped import ROOT
from tests.tools.ways.machine import Machine
from tests.tools.ways.run import HEALTHY
from tests.tools.ways.scenes import NOT_A_WAY, WAYS
from tests.tools.ways.table import PAGE, PLACE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.ways.ways import Way

TAKES_A_WHILE = {"disk-slow", "disk-silent", "cpu", "hung", "reset"}
"""Ways that an exporter must have seen for a while, and one that ends it."""
AT_ONCE = [way for way in WAYS if not way.real and way.name not in TAKES_A_WHILE]


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the machines are Linux machines")
@pytest.mark.parametrize("way", AT_ONCE, ids=lambda way: way.name)
def test_a_machine_of_files_is_well_until_its_fault(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", psutil.PROCFS_PATH)  # open_machine sets it; the patch restores it
    with Machine(way.name, tmp_path, real=False, flags=(), peer=None) as machine:
        way.prepare(machine)
        machine.life.second()
        assert found(machine) == set()
        way.strike(machine)
        machine.life.second()
        assert found(machine) == {way.alert}


def found(machine: Machine) -> set[str]:
    """Return the kinds of findings of an exporter that has just been started on the machine."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    sampler = Sampler(open_machine(Settings(rootfs=str(machine.tree.root))), clock=lambda: now[0], sleep=sleep)
    sampler.prime()
    snapshot = sampler.sample(max_age=0)
    assert not snapshot.failures()
    return {finding.kind for finding in snapshot.findings()}


def test_the_documentation_has_a_place_for_the_table() -> None:
    assert len(PLACE.findall(PAGE.read_text(encoding="utf-8"))) == 1
