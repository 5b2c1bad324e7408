"""Temperature sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.temperature import Temperatures
from tests.psutil_shapes import Temperature as Sensor

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, OtherSystem, Windows

HWMON = "sys/class/hwmon"


def celsius(machine: FixtureMachine | OtherSystem) -> dict[tuple[str, str], float | None]:
    return {(sensor.chip, sensor.sensor): sensor.celsius for sensor in machine.read(Temperatures).sensors}


def test_the_laptop_names_its_sensors_and_tells_two_equal_chips_apart(laptop: FixtureMachine) -> None:
    assert celsius(laptop) == {
        ("coretemp", "Package id 0"): 55.0,
        ("coretemp", "Core 0"): 53.0,
        ("coretemp", "Core 1"): 51.5,
        ("iwlwifi_1", "temp1"): 45.0,
        ("nvme nvme0", "Composite"): 38.85,
        ("nvme nvme1", "Composite"): 41.85,
    }


def test_a_chip_keeps_its_name_when_the_kernel_renumbers_it(laptop: FixtureMachine) -> None:
    """hwmon numbers can change at each boot; a series must not."""
    before = celsius(laptop)
    for old, new in (("hwmon1", "hwmon9"), ("hwmon2", "hwmon1"), ("hwmon9", "hwmon2")):
        laptop.path(f"{HWMON}/{old}").rename(laptop.path(f"{HWMON}/{new}"))
    assert celsius(laptop) == before


def test_two_equal_chips_without_a_device_are_both_shown(laptop: FixtureMachine) -> None:
    for number in (1, 2):
        laptop.remove(f"{HWMON}/hwmon{number}/device")
    assert {value for (chip, _), value in celsius(laptop).items() if chip.startswith("nvme")} == {38.85, 41.85}


def test_two_sensors_with_the_same_label_are_both_shown(laptop: FixtureMachine) -> None:
    laptop.write(f"{HWMON}/hwmon0/temp3_label", "Core 0\n")
    found = celsius(laptop)
    assert found["coretemp", "Core 0 temp2"] == 53.0
    assert found["coretemp", "Core 0 temp3"] == 51.5


def test_a_sensor_that_cannot_be_read_is_left_out(laptop: FixtureMachine) -> None:
    laptop.write(f"{HWMON}/hwmon1/temp1_input", "")
    assert ("nvme nvme0", "Composite") not in celsius(laptop)


def test_frost_is_below_zero(laptop: FixtureMachine) -> None:
    laptop.write(f"{HWMON}/hwmon3/temp1_input", "-12500\n")
    assert laptop.exposition().value("host_temperature_celsius", chip="iwlwifi_1", sensor="temp1") == -12.5


def test_thermal_zones_are_shown_only_if_there_is_nothing_better(laptop: FixtureMachine) -> None:
    assert "acpitz" not in {chip for chip, _ in celsius(laptop)}
    laptop.remove(HWMON)
    assert celsius(laptop) == {("acpitz", "thermal_zone0"): 47.0}


def test_a_server_without_sensors_is_not_a_failure(server: FixtureMachine) -> None:
    assert server.try_read(Temperatures) is None
    exposition = server.exposition()
    assert exposition.value("host_exporter_collector_success", collector="temperature") == 1
    assert "host_temperature_celsius" not in exposition.names()


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_windows_and_macos_have_no_such_call(system: str, request: pytest.FixtureRequest) -> None:
    machine: Windows | MacOs = request.getfixturevalue(system)
    assert machine.sample().section(Temperatures) is None


def test_freebsd_shows_what_psutil_knows(macos: MacOs, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = {
        "coretemp": [Sensor("Core 0", 50.5, 100, 100), Sensor("", 51.5, None, None), Sensor("Core 2", None, None, None)]
    }
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: sensors, raising=False)
    assert celsius(macos) == {("coretemp", "Core 0"): 50.5, ("coretemp", "temp2"): 51.5}
