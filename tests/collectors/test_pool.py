"""ZFS pools in every state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.pool import Pool, Pools
from exporter.thresholds import Level

if TYPE_CHECKING:
    from tests.machines import FixtureMachine


def test_pools_are_read_by_name_and_other_files_are_not_pools(laptop: FixtureMachine) -> None:
    laptop.write("proc/spl/kstat/zfs/my pool.1/state", "DEGRADED\n")
    laptop.write("proc/spl/kstat/zfs/fletcher_4_bench", "0 0 0\n")
    laptop.write("proc/spl/kstat/zfs/old/io", "before state was there\n")
    assert laptop.read(Pools) == Pools((Pool("my pool.1", "zfs", "DEGRADED"), Pool("tank", "zfs", "ONLINE")))
    assert laptop.exposition().value("host_pool_state", pool="my pool.1", type="zfs", state="DEGRADED") == 1


@pytest.mark.parametrize(
    ("state", "level"),
    [("ONLINE", None), ("DEGRADED", Level.WARNING)]
    + [(state, Level.CRITICAL) for state in ("FAULTED", "OFFLINE", "REMOVED", "UNAVAIL", "SUSPENDED")],
)
def test_every_state_but_online_is_a_finding(laptop: FixtureMachine, state: str, level: Level | None) -> None:
    laptop.write("proc/spl/kstat/zfs/tank/state", f"{state}\n")
    found = [
        (each.level, each.subject, each.reason) for each in laptop.sample().own() if each.kind == "HostPoolDegraded"
    ]
    assert found == ([] if level is None else [(level, "tank", f"is {state}")])


@pytest.mark.parametrize("text", ["", "online", "ON LINE", "x" * 5000, "\xff"])
def test_what_is_no_state_is_no_pool(laptop: FixtureMachine, text: str) -> None:
    laptop.write("proc/spl/kstat/zfs/tank/state", text)
    assert laptop.try_read(Pools) is None


def test_a_machine_without_zfs_has_no_series(server: FixtureMachine) -> None:
    assert server.try_read(Pools) is None
