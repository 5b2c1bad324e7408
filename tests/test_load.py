"""Real figures under real load, compared with /proc as the tests read it over the same time."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pytest

from tests.support import Exporter, Load, Samples
from tests.tools.bench_machine import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.load,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the truth is read from /proc"),
]

ROUNDS = 5
INTERVAL = 1.5
"""Seconds between two scrapes of one scraper: longer than a sample is shared by default."""

BUSY = "import time\nend = time.monotonic() + 90\nwhile time.monotonic() < end: pass\n"


@dataclass(frozen=True)
class Moment:
    """The kernel's counters at one moment: all CPUs, and one process."""

    clock: float
    busy_ticks: int
    all_ticks: int
    process_seconds: float

    @classmethod
    def now(cls, pid: int) -> Moment:
        with open("/proc/stat") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]  # user already includes guest time
        return cls(time.monotonic(), sum(ticks) - ticks[3] - ticks[4], sum(ticks), cpu_seconds(pid))

    def share_since(self, then: Moment) -> float:
        return (self.busy_ticks - then.busy_ticks) / (self.all_ticks - then.all_ticks)

    def cores_since(self, then: Moment) -> float:
        return (self.process_seconds - then.process_seconds) / (self.clock - then.clock)


@dataclass(frozen=True)
class Scrape:
    """The counters at one moment, and the exporter's figures right after it."""

    moment: Moment
    samples: Samples

    def share(self) -> float | None:
        return self.samples.value("host_cpu_usage_ratio")

    def cores(self, name: str) -> float | None:
        return _top(self.samples, name)


class Unasked(Exporter):
    """An exporter that listens and has not served a request yet."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, env=self._env, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.01)
            else:
                return self
        self.stop()
        raise AssertionError(f"the exporter did not start: {self.log}")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program that keeps one core busy, under a unique name."""
    path = tmp_path / f"busy-{secrets.token_hex(4)}.py"
    path.write_text(BUSY)
    return path


ARGS = pytest.mark.parametrize("args", [[], ["--max-age", "0"]], ids=["shared samples", "a sample each"])


def _name(script: Path) -> str:
    """Return the name that the exporter must show. The kernel names a process after its executable."""
    return f"{os.path.basename(sys.executable)} {script.name}"


def _top(samples: Samples, name: str, metric: str = "host_top_process_cpu_cores") -> float | None:
    found = [s.value for s in samples.samples if s.name == metric and s.labels["name"] == name]
    assert len(found) <= 1
    return found[0] if found else None


def _busy(script: Path) -> Load:
    return Load(command=[sys.executable, str(script)])


@ARGS
def test_two_scrapers_30_ms_apart_both_see_the_truth(args: list[str], script: Path) -> None:
    """One busy core plus a load that switches on and off every 20 ms: about two thirds of two cores."""
    with _busy(script) as load, Load(duty=0.35), Exporter("--top", "20", *args) as exporter:
        pid, name = load.processes[0].pid, _name(script)

        def scrape() -> Scrape:
            return Scrape(Moment.now(pid), exporter.samples())

        first: list[Scrape] = []
        second: list[Scrape] = []
        begin = time.monotonic()
        for round_ in range(ROUNDS):
            time.sleep(max(0.0, begin + round_ * INTERVAL - time.monotonic()))
            first.append(scrape())
            time.sleep(max(0.0, first[-1].moment.clock + 0.03 - time.monotonic()))
            second.append(scrape())

    # Both are compared with the first scraper's sample in the previous round, the latest that is old enough.
    # If samples are shared, the second gets the one that the first has just triggered.
    for then, one, other in zip(first, first[1:], second[1:], strict=False):
        for seen, until in ((one, one), (other, one if not args else other)):
            share, cores = seen.share(), seen.cores(name)
            assert share == pytest.approx(until.moment.share_since(then.moment), abs=0.05)
            assert cores == pytest.approx(until.moment.cores_since(then.moment), abs=0.1)


@ARGS
def test_a_busy_loop_is_one_core_to_each_of_two_scrapers_30_ms_apart(args: list[str], script: Path) -> None:
    """Nothing else is started, so on a machine with two free cores the loop has one to itself."""
    with _busy(script) as load, Exporter(*args) as exporter:
        pid, name = load.processes[0].pid, _name(script)
        seen: list[float | None] = []
        time.sleep(INTERVAL)  # the exporter has started, and its first sample is too old to be shared
        begin = Moment.now(pid)
        exporter.samples()
        for _ in range(10):
            time.sleep(INTERVAL)
            then, begin = begin, Moment.now(pid)
            both = [_top(exporter.samples(), name)]
            time.sleep(0.03)
            both.append(_top(exporter.samples(), name))
            if Moment.now(pid).cores_since(then) > 0.97:
                seen += both
            if len(seen) == 2 * ROUNDS:
                break
    if not seen:
        pytest.skip("the machine was too busy to give one process a whole core")
    assert seen == [pytest.approx(1.0, abs=0.1)] * len(seen)


def test_the_first_scrape_after_start_has_real_values(script: Path) -> None:
    with _busy(script) as load:
        name = _name(script)
        with Unasked() as exporter:
            then = Moment.now(load.processes[0].pid)
            samples = exporter.samples()
            now = Moment.now(load.processes[0].pid)
            share, cores = samples.value("host_cpu_usage_ratio"), _top(samples, name)
            cpus = samples.value("host_logical_cpus")
    assert share is not None
    assert cores is not None
    assert cpus is not None
    # The window began a little before the first moment, so only a steady load can be compared this closely.
    assert cores == pytest.approx(now.cores_since(then), abs=0.25)
    assert share >= cores / cpus - 0.05, "the loop's share is part of the machine's"
    assert samples.labels("host_cpu_core_usage_ratio", "core") == {str(core) for core in range(int(cpus))}


METRICS = ("host_top_process_cpu_cores", "host_top_process_memory_bytes", "host_top_process_instances")


def test_processes_that_end_vanish_from_the_next_sample(script: Path) -> None:
    with Exporter("--max-age", "0", "--top", "50") as exporter:
        exporter.samples()
        with _busy(script):
            name = _name(script)
            _wait_for(lambda: name in exporter.samples().labels(METRICS[0], "name"))
            for _ in range(2):  # so that rates are computed against a sample in which it existed
                time.sleep(0.6)
                samples = exporter.samples()
            assert [_top(samples, name, metric) is not None for metric in METRICS] == [True] * 3
            assert _top(samples, name, "host_top_process_instances") == 1
            assert name in exporter.get("/api/stats").text
        samples = exporter.samples()
        assert [_top(samples, name, metric) for metric in METRICS] == [None] * 3
        assert name not in exporter.get("/api/stats").text
        assert script.name not in exporter.get("/").text


def _wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
