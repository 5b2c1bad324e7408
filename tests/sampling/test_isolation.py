"""Each collector is made to raise in turn, which costs its own section and nothing else."""

from __future__ import annotations

import errno
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from exporter.collectors import COLLECTORS
from exporter.machine import open_machine
from exporter.sampling.history import History
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.web import create_app
from tests.support import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask.testing import FlaskClient
    from prometheus_client.core import Metric

    from exporter.model import Collector

NAMES = [collector.name for collector in COLLECTORS]
REASON = "the sensor <bus> is on fire"

# The heading on the page for each collector, if this machine has the hardware.
HEADINGS = {"cpu": 'id="cpu"', "memory": 'id="memory"', "filesystem": 'id="fullest"', "processes": 'id="processes"'}


def _raise(*_: object) -> NoReturn:
    raise RuntimeError(REASON)


def _broken(name: str, part: str) -> tuple[Collector, ...]:
    """Return all collectors, with ``name`` broken in its read, metrics or findings."""
    # For "metrics", any section will do: without the hardware there would be none to export.
    changes: dict[str, Any] = {"read": _raise}
    if part == "metrics":
        changes = {"read": lambda _machine, _baseline: object(), "metrics": _raise}
    elif part == "findings":
        changes = {"read": lambda _machine, _baseline: object(), "metrics": lambda _: (), "findings": _raise}
    return tuple(replace(each, **changes) if each.name == name else each for each in COLLECTORS)


def _client(collectors: Iterable[Collector]) -> FlaskClient:
    settings = Settings(max_age=0)
    history = History()
    sampler = Sampler(open_machine(settings), tuple(collectors), on_sample=history.add)
    sampler.prime()
    return create_app(sampler, settings, history).test_client()


@pytest.fixture(scope="module")
def well() -> dict[str, set[str]]:
    """The metric names of each collector on this machine if nothing fails."""
    snapshot = Sampler(open_machine(Settings())).sample()
    assert snapshot.failures() == ()
    return {
        reading.collector: {sample.name for family in reading.families for sample in family.samples}
        for reading in snapshot.readings
    }


@pytest.mark.parametrize("part", ["read", "metrics", "findings"])
@pytest.mark.parametrize("name", NAMES)
def test_a_failing_collector_costs_its_own_section_only(name: str, part: str, well: dict[str, set[str]]) -> None:
    client = _client(_broken(name, part))

    samples = Samples.parse(client.get("/metrics").text)
    for other in NAMES:
        assert samples.value("host_exporter_collector_success", collector=other) == (other != name)
        errors = samples.value("host_exporter_collector_errors_total", collector=other)
        assert errors is not None
        assert (errors >= 1) == (other == name)
        assert samples.value("host_exporter_collector_duration_seconds", collector=other) is not None
        if other == name:
            assert not well[other] & samples.names()
        else:
            assert well[other] <= samples.names()

    answer = client.get("/api/stats")
    assert answer.status_code == 200
    stats = json.loads(answer.data)
    assert stats[name] is None
    assert stats["collectors"][name]["success"] is False
    assert REASON in stats["collectors"][name]["error"]
    for other in NAMES:
        if other != name:
            assert stats["collectors"][other] | {"success": True, "error": None} == stats["collectors"][other]
            assert (stats[other] is not None) or not well[other]

    answer = client.get("/")
    assert answer.status_code == 200
    assert f"The figures for {name} are missing: the sensor &lt;bus&gt; is on fire" in answer.text
    for other, heading in HEADINGS.items():
        assert (heading in answer.text) == (other != name and bool(well[other]))

    assert client.get("/-/ready").status_code == 200


def test_half_of_the_families_of_a_failing_collector_are_not_shown() -> None:
    def half(section: Any) -> Iterable[Metric]:
        yield from list(memory.metrics(section))[:2]
        _raise()

    memory = next(collector for collector in COLLECTORS if collector.name == "memory")
    samples = Samples.parse(_client([replace(memory, metrics=half)]).get("/metrics").text)
    assert not [name for name in samples.names() if name.startswith(("host_memory", "host_swap"))]
    assert samples.value("host_exporter_collector_success", collector="memory") == 0


def test_errors_are_counted_per_sample() -> None:
    client = _client(_broken("cpu", "read"))
    seen = [
        Samples.parse(client.get("/metrics").text).value("host_exporter_collector_errors_total", collector="cpu")
        for _ in range(3)
    ]
    assert seen == [1, 2, 3], "the sample taken at start, only as a baseline, was shown to nobody"


class Flaky:
    """A collector's ``read`` that fails while ``broken``."""

    def __init__(self) -> None:
        self.broken = False

    def collector(self) -> Collector:
        memory = next(collector for collector in COLLECTORS if collector.name == "memory")

        def read(machine: Any, baseline: Any) -> Any:
            return _raise() if self.broken else memory.read(machine, baseline)

        return replace(memory, read=read)


@pytest.fixture
def flaky() -> tuple[Flaky, Sampler]:
    flaky = Flaky()
    clock = iter(range(0, 100_000, 10))
    return flaky, Sampler(
        open_machine(Settings()), [flaky.collector()], clock=lambda: next(clock), sleep=lambda _: None
    )


def test_a_failure_is_logged_once_when_it_begins_and_once_when_it_ends(
    flaky: tuple[Flaky, Sampler], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="exporter")
    collector, sampler = flaky
    sampler.sample()
    assert not [line for line in caplog.messages if line.startswith("collector memory failed")]
    caplog.clear()  # a Windows whose counters are off says once that it has no swap
    collector.broken = True
    for _ in range(5):
        sampler.sample()
    assert caplog.messages == [f"collector memory failed: {REASON}"]
    collector.broken = False
    for _ in range(5):
        sampler.sample()
    assert caplog.messages[1:] == ["collector memory works again"]
    collector.broken = True
    sampler.sample()
    assert len(caplog.messages) == 3, "a new failure is news again"
    assert "Traceback" not in caplog.text


def test_the_traceback_of_a_failure_is_logged_at_debug_level_only(
    flaky: tuple[Flaky, Sampler], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="exporter")
    collector, sampler = flaky
    collector.broken = True
    sampler.sample()
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (ValueError("first\n  second\tthird"), "first second third"),
        (PermissionError(errno.EACCES, "Permission denied", "/proc/meminfo"), "/proc/meminfo: Permission denied"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (OSError("/proc/1/mountinfo cannot be read"), "/proc/1/mountinfo cannot be read"),
        (KeyError("MemTotal"), "KeyError: 'MemTotal'"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_an_error_is_described_in_one_line_of_plain_text(reason: Exception, words: str) -> None:
    def read(*_: object) -> NoReturn:
        raise reason

    sampler = Sampler(open_machine(Settings()), [replace(COLLECTORS[0], read=read)])
    (failure,) = sampler.sample().failures()
    assert failure.error == words
