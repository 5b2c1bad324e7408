"""Linux pressure stall information."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.pressure import Pressure, Pressures

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter


def test_some_is_waiting_and_full_is_stalled_in_seconds(laptop: FixtureMachine) -> None:
    assert laptop.read(Pressures).resources == (
        Pressure("cpu", 7.35, None, 0.0012, None),
        Pressure("io", 10.65, 10.48, 0.0012, 0.0),
        Pressure("irq", None, 3.0, None, 0.0),
        Pressure("memory", 0.04, 0.02, 0.0012, 0.0),
    )


def test_a_line_without_averages_keeps_its_seconds(laptop: FixtureMachine) -> None:
    laptop.write("proc/pressure/io", "some avg10=1.2.3 avg60=x total=2000000\nfull total=1000000\n")
    (io,) = [each for each in laptop.read(Pressures).resources if each.resource == "io"]
    assert io == Pressure("io", 2.0, 1.0)


@pytest.mark.parametrize("nonsense", ["x", "-1", "1e400", "9" * 5000, ""])
def test_a_number_that_is_nonsense_costs_itself_alone(laptop: FixtureMachine, nonsense: str) -> None:
    good = laptop.read(Pressures).resources
    laptop.write("proc/pressure/io", laptop.path("proc/pressure/io").read_text().replace("10650000", nonsense, 1))
    snapshot = laptop.sample()
    section = snapshot.section(Pressures)
    assert section is not None
    broken = replace(good[1], waiting_seconds=None)
    assert section.resources == (good[0], broken, *good[2:])
    assert laptop.exposition(snapshot).value("host_exporter_values_dropped_total", collector="pressure") == 1


def test_an_average_above_1_cannot_be(laptop: FixtureMachine) -> None:
    laptop.write("proc/pressure/io", "some avg10=120.00 avg60=1.00 avg300=1.00 total=2000000\n")
    (io,) = [each for each in laptop.read(Pressures).resources if each.resource == "io"]
    assert io == Pressure("io", 2.0, None)


def test_a_kernel_without_one_of_the_files_shows_the_others(laptop: FixtureMachine) -> None:
    laptop.remove("proc/pressure/irq")
    laptop.remove("proc/pressure/io")
    assert [pressure.resource for pressure in laptop.read(Pressures).resources] == ["cpu", "memory"]


def test_a_file_that_is_empty_gives_no_series(laptop: FixtureMachine) -> None:
    laptop.write("proc/pressure/memory", "")
    exposition = laptop.exposition()
    assert exposition.labels("host_pressure_waiting_seconds_total", "resource") == {"cpu", "io"}


def test_a_kernel_without_pressure_is_not_a_failure(server: FixtureMachine) -> None:
    assert server.try_read(Pressures) is None
    exposition = server.exposition()
    assert exposition.value("host_exporter_collector_success", collector="pressure") == 1
    assert not [name for name in exposition.names() if name.startswith("host_pressure")]


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_other_systems_have_none(system: str, request: pytest.FixtureRequest) -> None:
    machine: Windows | MacOs = request.getfixturevalue(system)
    assert machine.sample().section(Pressures) is None


@pytest.mark.skipif(not Path("/proc/pressure/cpu").exists(), reason="this kernel counts no pressure")
def test_the_live_figures_are_those_of_proc(exporter: Exporter) -> None:
    samples = exporter.samples()
    for resource in ("cpu", "io", "memory"):
        found = re.search(r"some .*total=(\d+)", Path(f"/proc/pressure/{resource}").read_text())
        assert found
        shown = samples.value("host_pressure_waiting_seconds_total", resource=resource)
        assert shown is not None
        # The sample may be a second old, and time passes on a slow machine.
        assert int(found[1]) / 1e6 - 10 <= shown <= int(found[1]) / 1e6
