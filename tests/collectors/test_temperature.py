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
THERMAL = "sys/class/thermal"


def celsius(machine: FixtureMachine | OtherSystem) -> dict[tuple[str, str], float | None]:
    return {(sensor.chip, sensor.sensor): sensor.celsius for sensor in machine.read(Temperatures).sensors}


def test_the_laptop_names_its_sensors_and_tells_two_equal_chips_apart(laptop: FixtureMachine) -> None:
    assert celsius(laptop) == {
        ("acpitz", "temp1"): 47.0,
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


def chip(machine: FixtureMachine, folder: str, device: str = "", **files: object) -> None:
    """Add a chip to hwmon, with ``device`` as its device's path below /sys/devices."""
    for file, content in files.items():
        machine.write(f"{HWMON}/{folder}/{file}", f"{content}\n")
    if device:
        machine.path(f"sys/devices/{device}").mkdir(parents=True, exist_ok=True)
        machine.path(f"{HWMON}/{folder}/device").symlink_to(f"../../../devices/{device}")


def zone(machine: FixtureMachine, number: int, kind: str, millidegrees: int) -> None:
    machine.write(f"{THERMAL}/thermal_zone{number}/type", f"{kind}\n")
    machine.write(f"{THERMAL}/thermal_zone{number}/temp", f"{millidegrees}\n")


@pytest.mark.parametrize(
    "millidegrees", [-274_000, -273_150, -128_000, 255_500, 65_261_850, 2_147_483_647, "9" * 400, "n/a"]
)
def test_a_temperature_that_cannot_be_costs_its_sensor_and_is_counted(
    server: FixtureMachine, millidegrees: object
) -> None:
    chip(server, "hwmon0", name="nct6798", temp1_input=millidegrees, temp2_input=41_000, temp3_input=-61_000)
    exposition = server.exposition()
    shown = exposition.labels("host_temperature_celsius", "sensor")
    assert shown == {"temp2", "temp3"}
    assert exposition.value("host_exporter_values_dropped_total", collector="temperature") == 1
    assert exposition.value("host_exporter_collector_success", collector="temperature") == 1


@pytest.mark.parametrize("millidegrees", [0, 127_000, 127_500, 127_875])
def test_a_chip_without_a_sensor_on_it_has_no_temperature(server: FixtureMachine, millidegrees: int) -> None:
    """It shows the highest value that it has, or nothing."""
    chip(server, "hwmon0", name="nct6798", temp1_input=millidegrees, temp2_input=126_000, temp3_input=128_000)
    assert celsius(server) == {("nct6798", "temp2"): 126.0, ("nct6798", "temp3"): 128.0}


def test_a_sensor_that_reports_a_fault_has_no_temperature(server: FixtureMachine) -> None:
    chip(server, "hwmon0", name="w83795", temp1_input=30_000, temp1_fault=1, temp2_input=31_000, temp2_fault=0)
    assert celsius(server) == {("w83795", "temp2"): 31.0}


def test_a_machine_on_which_every_sensor_lies_has_no_temperature(server: FixtureMachine) -> None:
    chip(server, "hwmon0", name="nct6798", temp1_input=-128_000)
    assert server.read(Temperatures) == Temperatures(())


def test_an_old_driver_has_its_files_in_the_device(server: FixtureMachine) -> None:
    """Before Linux 3.14."""
    files: dict[str, object] = {"name": "coretemp", "temp2_label": "Core 0", "temp2_input": 45_000}
    for file, content in files.items():
        server.write(f"{HWMON}/hwmon0/device/{file}", f"{content}\n")
        server.write(f"sys/devices/platform/coretemp.1/{file}", f"{content}\n".replace("45", "46"))
    chip(server, "hwmon1", "platform/coretemp.1", uevent="")
    chip(server, "hwmon2", "platform/nct", name="nct6775", temp1_input=30_000)
    server.write("sys/devices/platform/nct/temp1_input", "30000\n")
    assert celsius(server) == {
        ("coretemp hwmon0", "Core 0"): 45.0,
        ("coretemp coretemp.1", "Core 0"): 46.0,
        ("nct6775", "temp1"): 30.0,
    }


def test_a_zone_that_is_in_hwmon_as_well_is_shown_once(laptop: FixtureMachine) -> None:
    chip(laptop, "hwmon5", name="acpitz", temp1_input=47_000)
    zone(laptop, 1, "iwlwifi_1", 45_000)
    assert [name for name in celsius(laptop) if name[0] == "acpitz"] == [("acpitz", "temp1")]
    assert [name for name in celsius(laptop) if name[0] == "iwlwifi_1"] == [("iwlwifi_1", "temp1")]


def test_a_zone_that_hwmon_lacks_is_shown_whatever_hwmon_has(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "virtual/thermal/thermal_zone0", name="acpitz", temp1_input=27_800)
    chip(server, "hwmon1", "virtual/thermal/thermal_zone9", name="gpu_thermal", temp1_input=50_000)
    for number, (kind, millidegrees) in enumerate(
        [
            ("acpitz", 27_800),
            ("acpitz", 29_800),
            ("x86_pkg_temp", 96_000),
            ("gpu-thermal", 50_000),
            ("cpu-thermal", 61_000),
        ]
    ):
        zone(server, number, kind, millidegrees)
    assert celsius(server) == {
        ("acpitz", "temp1"): 27.8,
        ("acpitz", "temp2"): 29.8,
        ("cpu_thermal", "temp1"): 61.0,
        ("gpu_thermal", "temp1"): 50.0,
        ("x86_pkg_temp", "temp1"): 96.0,
    }


def test_zones_of_one_type_are_numbered_in_the_order_of_the_system(server: FixtureMachine) -> None:
    for number in (10, 2, 9):
        zone(server, number, "tsens", number * 1000)
    assert celsius(server) == {("tsens", "temp1"): 2.0, ("tsens", "temp2"): 9.0, ("tsens", "temp3"): 10.0}


def test_the_package_is_shown_once_and_a_table_of_policies_not_at_all(laptop: FixtureMachine) -> None:
    before = celsius(laptop)
    zone(laptop, 1, "x86_pkg_temp", 55_000)
    zone(laptop, 2, "INT3400 Thermal", 20_000)
    assert celsius(laptop) == before


def test_a_package_that_its_chip_does_not_show_is_taken_from_the_zone(server: FixtureMachine) -> None:
    zone(server, 0, "x86_pkg_temp", 55_000)
    chip(server, "hwmon0", name="coretemp")
    assert celsius(server) == {("x86_pkg_temp", "temp1"): 55.0}
    server.write(f"{HWMON}/hwmon0/temp1_input", "55000\n")
    zone(server, 1, "x86_pkg_temp", 75_000)
    assert celsius(server) == {("coretemp", "temp1"): 55.0, ("x86_pkg_temp", "temp2"): 75.0}


def test_a_zone_may_count_in_degrees(server: FixtureMachine) -> None:
    """As those of old kernels for ARM boards do."""
    for number, figure in enumerate((45, -10, 0, 500, 48_000)):
        zone(server, number, "cpu-thermal", figure)
    assert list(celsius(server).values()) == [45.0, -0.01, 0.5, 48.0]


def test_without_hwmon_the_zones_are_shown(laptop: FixtureMachine) -> None:
    laptop.remove(HWMON)
    assert celsius(laptop) == {("acpitz", "temp1"): 47.0}


def test_equal_chips_on_devices_of_one_name_are_told_apart_by_the_path(server: FixtureMachine) -> None:
    chip(server, "hwmon3", "pci0/0000:01:00.0/hba", name="adapter", temp1_input=40_000)
    chip(server, "hwmon4", "pci0/0000:02:00.0/hba", name="adapter", temp1_input=41_000)
    expected = {("adapter 0000:01:00.0/hba", "temp1"): 40.0, ("adapter 0000:02:00.0/hba", "temp1"): 41.0}
    assert celsius(server) == expected
    server.path(f"{HWMON}/hwmon3").rename(server.path(f"{HWMON}/hwmon7"))
    assert celsius(server) == expected


def test_equal_chips_on_one_device_are_both_shown(server: FixtureMachine) -> None:
    chip(server, "hwmon3", "pci0/nic", name="nic", temp1_input=40_000, temp1_label="board")
    chip(server, "hwmon4", "pci0/nic", name="nic", temp1_input=41_000, temp1_label="board", temp2_input=42_000)
    assert celsius(server) == {
        ("nic nic", "board temp1 hwmon3"): 40.0,
        ("nic nic", "board temp1 hwmon4"): 41.0,
        ("nic nic", "temp2"): 42.0,
    }


def test_a_label_that_is_another_sensors_number_hides_neither(server: FixtureMachine) -> None:
    chip(server, "hwmon0", name="it87", temp1_input=30_000, temp1_label="temp2", temp2_input=31_000)
    assert sorted(value or 0 for value in celsius(server).values()) == [30.0, 31.0]


def test_labels_that_differ_only_in_what_cannot_be_shown_hide_neither(server: FixtureMachine) -> None:
    chip(
        server, "hwmon0", name="it87", temp1_input=30_000, temp1_label="a\x01", temp2_input=31_000, temp2_label="a\x02"
    )
    assert celsius(server) == {("it87", "a? temp1"): 30.0, ("it87", "a? temp2"): 31.0}


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
        "coretemp": [
            Sensor("Core 0", 50.5, 100, 100),
            Sensor("", 51.5, None, None),
            Sensor("Core 2", None, None, None),
        ],
        "acpi": [Sensor("zone", 40.0, None, None), Sensor("zone", 41.0, None, None), Sensor("off", -273.2, None, None)],
    }
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: sensors, raising=False)
    assert celsius(macos) == {
        ("acpi", "zone temp1"): 40.0,
        ("acpi", "zone temp2"): 41.0,
        ("coretemp", "Core 0"): 50.5,
        ("coretemp", "temp2"): 51.5,
    }
