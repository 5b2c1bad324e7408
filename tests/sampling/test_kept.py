"""What changes slowly is read rarely; samples in between show it again and say how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import gauge
from exporter.findings import none_yet
from exporter.machine import Machine, open_machine
from exporter.model import Collector, Snapshot
from exporter.render.exposition import encode, snapshot_families
from exporter.render.json import stats
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from tests.support import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric


@dataclass(frozen=True, slots=True)
class Slow:
    """The ordinal number of the reading."""

    number: int


def _metrics(section: Slow) -> Iterable[Metric]:
    return gauge("slow", "Readings.", section.number)


class Rig:
    """A sampler of one collector that is read every 30 s and fails at will, and of one that is read in each sample."""

    def __init__(self) -> None:
        self.now, self.readings, self.failing, self.absent = 1000.0, 0, False, False
        collectors = [
            Collector("slow", Slow, self.read, _metrics, none_yet, every=30),
            Collector("fast", Slow, lambda _machine, _baseline: None, _metrics, none_yet),
        ]
        self.machine = open_machine(Settings(max_age=0))
        self.sampler = Sampler(self.machine, collectors, clock=lambda: self.now, sleep=self.advance)
        self.sampler.prime()

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def read(self, _machine: Machine, _baseline: Snapshot | None) -> Slow | None:
        self.readings += 1
        if self.absent:
            return None
        if self.failing:
            raise OSError("it is gone")
        return Slow(self.readings)

    def after(self, seconds: float) -> Snapshot:
        """Return a sample taken that much later."""
        self.now += seconds
        return self.sampler.sample()


def _slow(snapshot: Snapshot) -> tuple[int | None, float | None]:
    section = snapshot.section(Slow)
    return section.number if section else None, snapshot.readings[0].age_seconds


def test_it_is_read_again_when_its_time_has_come() -> None:
    rig = Rig()
    assert [_slow(rig.after(seconds)) for seconds in (10, 19.75, 0.25, 15, 15)] == [
        (1, 10.0),
        (1, 29.75),
        (2, 0.0),
        (2, 15.0),
        (3, 0.0),
    ]


def test_the_age_is_said_and_only_of_what_is_read_rarely() -> None:
    rig = Rig()
    snapshot = rig.after(12)
    body, _ = encode(snapshot_families(snapshot, rig.machine.thresholds), "")
    samples = Samples.parse(body.decode())
    assert samples.value("slow") == 1
    assert samples.value("host_exporter_collector_age_seconds", collector="slow") == 12
    assert 'host_exporter_collector_age_seconds{collector="fast"}' not in body.decode()
    said = stats(snapshot, rig.machine.thresholds)["collectors"]
    assert (said["slow"]["age_seconds"], said["fast"]["age_seconds"]) == (12, None)
    assert said["slow"]["duration_seconds"] == 0, "this sample spent nothing on it"


def test_hardware_that_is_not_there_has_no_age() -> None:
    rig = Rig()
    rig.absent = True
    body, _ = encode(snapshot_families(rig.after(30), rig.machine.thresholds), "")
    assert "host_exporter_collector_age_seconds" not in body.decode()
    assert rig.readings == 2, "it was looked for again"


def test_a_failure_is_not_kept() -> None:
    rig = Rig()
    rig.failing = True
    failed = rig.after(30)
    assert (_slow(failed), failed.readings[0].error) == ((None, None), "it is gone")
    rig.failing = False
    assert _slow(rig.after(1)) == (3, 0.0)
