"""Simulated machines expose the same series as real ones, and behave like them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.fleet.fleet import Fleet, host, targets
from tests.fleet.machine import Machine
from tests.fleet.template import KINDS, real

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_795_000_000.0
MACHINES = 300
STEP = 15
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet(MACHINES)


def parse(text: str) -> Figures:
    """Return the samples of an exposition in the format that Prometheus prefers, by name and labels."""
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples), "a series occurs twice"
    return found


def figures(fleet: Fleet, number: int, now: float) -> Figures:
    return parse(fleet.exposition(number, now).decode())


def value(found: Figures, metric: str) -> float:
    return found[metric, ()]


def shape(found: Figures) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return names and labels, without those that differ between machines."""
    return {
        (name, tuple(pair for pair in labels if pair[0] != "hostname"))
        for name, labels in found
        if not name.startswith("host_top_process_")
    }


def walk(fleet: Fleet, number: int, seconds: int) -> Iterator[tuple[Figures, Figures]]:
    """Yield a machine's samples in pairs of consecutive successful scrapes."""
    times = [NOW + ago for ago in range(0, seconds, STEP) if fleet.answers(number, NOW + ago)]
    yield from pairwise(figures(fleet, number, now) for now in times)


@pytest.mark.parametrize("number", range(4))
def test_names_and_labels_are_those_of_the_real_exposition(fleet: Fleet, number: int) -> None:
    theirs, ours = parse(real(KINDS[number % 2])[0]), figures(fleet, number, NOW)
    assert shape(ours) == shape(theirs)
    assert {name for name, _ in ours} == {name for name, _ in theirs}
    assert {"process_cpu_seconds_total", "host_exporter_build_info", "host_info"} <= {name for name, _ in ours}


def test_comments_are_those_of_the_real_exposition(fleet: Fleet) -> None:
    ours = fleet.exposition(0, NOW).decode().splitlines()
    assert [line for line in ours if line[0] == "#"] == [
        line for line in real("laptop")[0].splitlines() if line[0] == "#"
    ]


def test_every_machine_has_a_name_of_its_own(fleet: Fleet) -> None:
    names = {
        dict(labels)["hostname"] for n in range(20) for name, labels in figures(fleet, n, NOW) if name == "host_info"
    }
    assert names == {machine.name for machine in fleet.machines[:20]}
    assert len({machine.name for machine in fleet.machines}) == len({host(n) for n in range(MACHINES)}) == MACHINES


def test_shares_are_from_0_to_1_and_fit_together(fleet: Fleet) -> None:
    for number in range(MACHINES):
        found = figures(fleet, number, NOW + 977 * number)
        assert all(0 <= share <= 1 for (name, _), share in found.items() if name.endswith("_ratio"))
        total, usage = value(found, "host_memory_total_bytes"), value(found, "host_memory_usage_ratio")
        used, available = value(found, "host_memory_used_bytes"), value(found, "host_memory_available_bytes")
        assert used + available == total
        assert usage == pytest.approx(used / total)
        for (name, labels), size in found.items():
            if name == "host_filesystem_size_bytes" and ("host_filesystem_usage_ratio", labels) in found:
                used, free = (found[f"host_filesystem_{what}_bytes", labels] for what in ("used", "available"))
                assert used + free <= size
                assert found["host_filesystem_usage_ratio", labels] == pytest.approx(used / (used + free))


def test_counters_fall_only_when_a_machine_is_started_anew(fleet: Fleet) -> None:
    restless = next(m.number for m in fleet.machines if m.life.every < 2400)
    starts = 0
    for number in (0, 1, 2, restless):
        for then, now in walk(fleet, number, 3600):
            anew = value(now, "host_boot_time_seconds") > value(then, "host_boot_time_seconds")
            starts += anew
            fell = {key for key in now if key[0].endswith("_total") and now[key] < then.get(key, 0)}
            assert bool(fell) == anew
            assert (value(now, "host_uptime_seconds") < value(then, "host_uptime_seconds")) == anew
            assert ("host_cpu_seconds_total", (("mode", "idle"),)) in fell or not anew
            assert value(now, "host_uptime_seconds") >= 0
    assert starts


def test_the_counters_of_the_cpus_fit_their_share(fleet: Fleet) -> None:
    for number in range(20):
        if not all(fleet.answers(number, NOW + ago) for ago in (-90, 0, 15)):
            continue
        then, now = figures(fleet, number, NOW), figures(fleet, number, NOW + 15)
        spent = {
            dict(labels)["mode"]: seconds - then[name, labels]
            for (name, labels), seconds in now.items()
            if name == "host_cpu_seconds_total"
        }
        assert sum(spent.values()) == pytest.approx(15 * value(now, "host_logical_cpus"), abs=0.1)
        busy = 1 - (spent["idle"] + spent["iowait"]) / sum(spent.values())
        assert busy == pytest.approx(value(now, "host_cpu_usage_ratio"), abs=0.01)


def test_names_of_programs_come_and_go_and_are_no_more_than_ten_at_a_time(fleet: Fleet) -> None:
    seen: list[set[str]] = []
    for now in range(int(NOW), int(NOW) + 7200, STEP):
        found = figures(fleet, 1, now)
        of = [
            {dict(labels)["name"] for name, labels in found if name == f"host_top_process_{what}"}
            for what in ("cpu_cores", "memory_bytes", "instances")
        ]
        assert of[0] == of[1] == of[2]
        assert 5 <= len(of[0]) <= 10
        seen.append(of[0])
    changes = sum(now != then for then, now in pairwise(seen))
    assert len(seen) / 10 < changes < len(seen) / 2
    assert 20 < len(set.union(*seen)) < 60
    assert len(set.intersection(*seen)) >= 5


def test_a_few_in_a_hundred_are_over_a_limit_or_fill_up(fleet: Fleet) -> None:
    over = {"host_cpu_usage_ratio": 0, "host_memory_usage_ratio": 0, "host_filesystem_usage_ratio": 0}
    for number in range(MACHINES):
        found = figures(fleet, number, NOW)
        for metric in over:
            over[metric] += max(share for (name, _), share in found.items() if name == metric) >= 0.8
    assert all(0.005 < count / MACHINES < 0.08 for count in over.values()), over
    filling = next(machine.number for machine in fleet.machines if machine.fills)
    there = [
        next(left for (name, labels), left in figures(fleet, filling, NOW + hour * 3600).items()
             if name == "host_filesystem_available_bytes" and ("mountpoint", "/") in labels)
        for hour in range(100)
    ]  # fmt: skip
    assert sum(now < then for then, now in pairwise(there)) > 80
    assert any(now > then for then, now in pairwise(there)), "somebody made room"


def test_the_same_seed_gives_the_same_machines_and_another_gives_others(fleet: Fleet) -> None:
    again, others = Fleet(5), Fleet(5, seed=8)
    assert again.exposition(3, NOW) == fleet.exposition(3, NOW)
    assert again.machines == fleet.machines[:5]
    assert others.exposition(3, NOW) != fleet.exposition(3, NOW)
    assert fleet.exposition(3, NOW + 15) != fleet.exposition(3, NOW)


def test_some_go_away_and_come_back_but_never_the_first(fleet: Fleet) -> None:
    there: set[int] = set()
    left: set[int] = set()
    for minute in range(0, 3600, 60):
        away = {number for number in range(MACHINES) if not fleet.answers(number, NOW + minute)}
        assert len(away) < MACHINES / 20
        left |= away
        there |= set(range(MACHINES)) - away
    assert 0 not in left
    assert len(left) > MACHINES / 100
    assert there == set(range(MACHINES))


def test_the_target_file_lists_each_under_its_name() -> None:
    machines = [Machine.make(number, 7) for number in (1, 70_000)]
    text = targets(machines, 1234)
    assert '"targets": ["127.1.0.1:1234"], "labels": {"instance": "' in text
    assert f'"targets": ["127.2.17.112:1234"], "labels": {{"instance": "{machines[1].name}:5000"}}' in text
