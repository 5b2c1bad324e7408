"""A figure is true or absent: an impossible one costs itself, is counted and logged once; everything else stays."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from math import inf, nan
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import pytest

from exporter.collectors import COLLECTORS
from exporter.families import counters, gauges
from exporter.machine import open_machine
from exporter.model import Collector, hidden
from exporter.plausible import plausible
from exporter.render.exposition import encode, snapshot_families
from exporter.sampling.passes import MOST_WARNINGS
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from tests.support import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric

OURS = {
    "Cpu.core_numbers",
    "Faulting.fault_rate",
    "File.samples",
    "File.left_out",
    "Paging.recent_oom_kills",
    "Gone.instances",
    "Gone.memory_bytes",
    "Gone.running",
    "Holder.threads",
    "Processes.total",
    "Program.instances",
    "Program.memory_bytes",
    "Process.pid",
    "Process.memory_bytes",
    "Victim.memory_bytes",
    "Victim.pid",
}
"""Numbers that cannot be impossible: we count them, or drop the process whose line holds nonsense."""


@dataclass(frozen=True, slots=True)
class Row:
    device: str
    size_bytes: float | None = 1
    usage_ratio: float | None = 0.5
    celsius: float | None = -40.0
    up: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    rows: tuple[Row, ...]
    seconds_by_mode: dict[str, float]
    core_usage_ratios: tuple[float | None, ...]
    counted: int
    read_at: float = hidden()


def section(
    *rows: Row, modes: dict[str, float] | None = None, cores: tuple[float | None, ...] = (), counted: int = 1
) -> Section:
    return Section(rows, modes or {}, cores, counted, nan)


def changed(device: str, name: str, value: float | None) -> Row:
    change: dict[str, Any] = {name: value}
    return replace(Row(device), **change)


def test_what_is_possible_stays_the_same_object() -> None:
    good = section(Row("a"), Row("b", 0, 0, 250), modes={"user": 2.0**79}, cores=(0.0, None, 1))
    assert plausible(good) == (good, ())
    assert plausible(good)[0] is good
    assert plausible(None) == (None, ())


@dataclass(frozen=True, slots=True)
class Reading:
    sensor: str
    celsius: float | None


@dataclass(frozen=True, slots=True)
class Readings:
    readings: tuple[Reading, ...]


def test_a_row_of_which_only_the_name_is_left_is_left_out() -> None:
    found, dropped = plausible(Readings((Reading("a", -274.0), Reading("b", 20.0), Reading("c", nan))))
    assert found == Readings((Reading("b", 20.0),))
    assert dropped == ("a celsius would be -274", "c celsius would be nan")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size_bytes", -1),
        ("size_bytes", nan),
        ("size_bytes", inf),
        ("size_bytes", 2**81),
        pytest.param("size_bytes", 10**400, id="400 digits"),
        ("usage_ratio", 1.00001),
        ("usage_ratio", -0.1),
        ("usage_ratio", nan),
        ("celsius", -273.15),
        ("celsius", -128),
        ("celsius", 65261.85),
    ],
)
def test_an_impossible_figure_costs_neither_its_row_nor_its_neighbours(name: str, value: float) -> None:
    first, last = Row("a"), Row("c")
    checked, dropped = plausible(section(first, changed("b", name, value), last))
    assert checked.rows == (first, changed("b", name, None), last)
    (text,) = dropped
    assert text.startswith(f"b {name} would be ")


def test_entries_of_tables_and_lists_are_left_out_alone() -> None:
    checked, dropped = plausible(section(modes={"user": 1, "idle": nan}, cores=(0.5, 1.5, 0.25)))
    assert checked.seconds_by_mode == {"user": 1}
    assert checked.core_usage_ratios == (0.5, None, 0.25)
    assert dropped == ("seconds_by_mode idle would be nan", "core_usage_ratios 1 would be 1.5")


def test_a_count_of_ours_that_cannot_be_is_a_bug_and_not_left_out() -> None:
    with pytest.raises(ValueError, match="counted would be -1"):
        plausible(section(counted=-1))


def parts(kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and type of every field that people see in a section and its rows."""
    hints = get_type_hints(kind, localns={"Mapping": Mapping, "ProcessSample": object})  # imported for mypy alone
    for each in fields(kind):
        if each.metadata.get("hidden"):
            continue
        yield f"{kind.__name__}.{each.name}", hints[each.name]
        for inner in (hints[each.name], *get_args(hints[each.name])):
            if is_dataclass(inner):
                yield from parts(inner)


@pytest.mark.parametrize("collector", COLLECTORS, ids=lambda each: each.name)
def test_every_figure_that_a_machine_can_get_wrong_may_be_absent(collector: Collector) -> None:
    for name, kind in parts(collector.section):
        inner = set(get_args(kind) or (kind,))
        if {int, float} & inner and get_origin(kind) is not dict:  # what a table lacks is absent
            assert (NoneType in inner) != (name in OURS), f"{name} cannot be absent, or need not stand in OURS"


class Lying:
    """A collector's ``read`` with a sensor that says nonsense."""

    def __init__(self) -> None:
        self.number = 0

    def read(self, _machine: Any, _baseline: Any) -> Section:
        self.number += 1
        return section(Row("good", self.number), Row("bad", -self.number, usage_ratio=7))


def metrics(read: Section) -> Iterable[Metric]:
    yield from gauges("size", "Size.", ("device",), [((row.device,), row.size_bytes) for row in read.rows])
    yield from counters("usage_total", "Usage.", ("device",), [((row.device,), row.usage_ratio) for row in read.rows])


def lying() -> Collector:
    return Collector("lying", Section, Lying().read, metrics, lambda _section, _thresholds: ())


def scrape(sampler: Sampler) -> Samples:
    families = snapshot_families(sampler.sample(max_age=0), Settings().thresholds())
    return Samples.parse(encode(families, "")[0].decode())


def test_dropped_values_are_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sampler = Sampler(open_machine(Settings()), [lying()])
    sampler.prime()
    with caplog.at_level(logging.WARNING, "exporter"):
        seen = [scrape(sampler) for _ in range(3)]
    assert [each.value("host_exporter_values_dropped_total", collector="lying") for each in seen] == [2, 4, 6]
    for each in seen:
        assert each.value("host_exporter_collector_success", collector="lying") == 1
        assert each.value("size", device="good") is not None
        assert each.value("size", device="bad") is None
        assert each.value("usage_total", device="bad") is None
        assert each.value("usage_total", device="good") == 0.5


def test_the_log_names_each_value_once_and_is_never_flooded(caplog: pytest.LogCaptureFixture) -> None:
    reads = iter(range(10))

    def read(_machine: Any, _baseline: Any) -> Section:
        turn = next(reads)
        return section(*(Row(f"disk{number + turn * 40}", -1 - turn) for number in range(40)), Row("same", -turn - 1))

    collector = Collector("many", Section, read, metrics, lambda _section, _thresholds: ())
    sampler = Sampler(open_machine(Settings()), [collector])
    with caplog.at_level(logging.WARNING, "exporter"):
        for _ in range(5):
            sampler.sample(max_age=0)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "collector many: disk0 size_bytes would be -1, which cannot be: left out"
    assert len(lines) == len(set(lines)) == MOST_WARNINGS
    assert sum(" same " in line for line in lines) == 1
