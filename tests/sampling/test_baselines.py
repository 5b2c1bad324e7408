"""Rates are computed against a sample that is old enough and a reading that exists."""

from __future__ import annotations

from exporter.model import Reading, Snapshot
from exporter.sampling.baselines import MAX_WINDOW, Baselines


def snapshot(when: float, **given: str | None) -> Snapshot:
    """Return a sample taken at ``when``; a collector whose value is None has failed."""
    readings = (
        Reading(name, section, (), (), None if section else "failed", 0.0, 0 if section else 1)
        for name, section in given.items()
    )
    return Snapshot(when, when, tuple(readings))


def sections(found: Snapshot | None) -> list[str | None]:
    assert found is not None
    return [reading.section for reading in found.readings]


def test_without_a_sample_the_next_one_only_becomes_the_baseline() -> None:
    assert Baselines().choose(0.0) == (None, False)


def test_the_baseline_is_the_newest_sample_at_least_half_a_second_old() -> None:
    baselines = Baselines()
    baselines.start(snapshot(0.0, a="0"))
    baselines.add(snapshot(0.4, a="too near to be kept"))
    assert sections(baselines.choose(0.45)[0]) == ["0"], "all there is"
    baselines.add(snapshot(1.0, a="1"))
    assert sections(baselines.choose(1.4)[0]) == ["0"]
    assert sections(baselines.choose(1.5)[0]) == ["1"]
    assert baselines.choose(1.5)[1]


def test_after_a_quarter_of_an_hour_a_new_baseline_is_needed() -> None:
    baselines = Baselines()
    baselines.start(snapshot(0.0, a="0"))
    assert baselines.choose(MAX_WINDOW)[1]
    found, shown = baselines.choose(MAX_WINDOW + 1)
    assert (sections(found), shown) == (["0"], False)


def test_an_earlier_reading_replaces_a_failed_one() -> None:
    baselines = Baselines()
    baselines.start(snapshot(0.0, a="a0", b="b0"))
    baselines.add(snapshot(10.0, a=None, b="b10"))
    baselines.add(snapshot(20.0, a=None, b="b20"))
    assert sections(baselines.choose(30.0)[0]) == ["a0", "b20"]


def test_but_not_one_too_old_to_describe_the_present() -> None:
    baselines = Baselines()
    baselines.start(snapshot(0.0, a="a0", b="b0"))
    for when in (MAX_WINDOW - 1, MAX_WINDOW + 1):
        baselines.add(snapshot(when, a=None, b="new"))
    assert sections(baselines.choose(MAX_WINDOW + 2)[0]) == [None, "new"]


def test_a_collector_that_never_answered_is_missing() -> None:
    baselines = Baselines()
    baselines.start(snapshot(0.0, a=None, b="b0"))
    assert sections(baselines.choose(10.0)[0]) == [None, "b0"]
