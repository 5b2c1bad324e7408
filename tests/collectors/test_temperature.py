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


def test_a_limit_in_one_folder_hides_no_reading_in_the_other(server: FixtureMachine) -> None:
    server.write(f"{HWMON}/hwmon0/temp2_max", "80000\n")
    for file, content in (("name", "coretemp"), ("temp2_input", "45000"), ("temp2_label", "Core 0")):
        server.write(f"{HWMON}/hwmon0/device/{file}", f"{content}\n")
    assert celsius(server) == {("coretemp", "Core 0"): 45.0}


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


def limits(machine: FixtureMachine | OtherSystem) -> dict[str, tuple[float | None, float | None]]:
    found = machine.read(Temperatures).sensors
    return {each.subject: (each.warning_celsius, each.critical_celsius) for each in found if each.limits()}


def level(machine: FixtureMachine, seconds: float = 60) -> dict[str, str]:
    found = machine.sample(seconds).findings()
    return {each.subject: f"{each.level} {each.reason}" for each in found if each.kind == "HostTooHot"}


def test_the_laptop_has_the_limits_of_its_hardware(laptop: FixtureMachine) -> None:
    """A processor's "max" is where its fans should run, and its cores have the limits of the package."""
    assert limits(laptop) == {
        "acpitz temp1": (99.0, 128.0),
        "coretemp Package id 0": (95.0, 100.0),
        "nvme nvme0 Composite": (81.85, 84.85),
        "nvme nvme1 Composite": (81.85, 84.85),
    }
    exposition = laptop.exposition()
    figure = {"chip": "nvme nvme0", "sensor": "Composite"}
    assert exposition.value("host_temperature_limit_celsius", **figure, severity="critical") == 84.85
    assert exposition.value("host_temperature_limit_celsius", **figure, severity="warning") == 81.85
    assert exposition.value("host_temperature_alarm", **figure) == 0


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"max": 70_000, "crit": 80_000}, (70.0, 80.0)),
        ({"max": 70_000}, (70.0, None)),
        ({"crit": 80_000}, (None, 80.0)),
        ({"max": 0, "crit": 80_000}, (None, 80.0)),
        ({"max": 70_000, "crit": 0}, (70.0, None)),
        ({"max": 65_261_850, "crit": 255_000}, None),
        ({"crit": 20_800}, None),
        ({"max": 39_999, "crit": 200_001}, None),
        ({"max": 40_000, "crit": 200_000}, (40.0, 200.0)),
        ({"max": 85_000, "crit": 85_000}, (None, 85.0)),
        ({"max": 95_000, "crit": 85_000}, (None, 85.0)),
        ({"max": "n/a", "crit": ""}, None),
    ],
)
def test_a_limit_that_cannot_be_one_is_left_out(
    server: FixtureMachine, files: dict[str, object], expected: tuple[float | None, float | None] | None
) -> None:
    chip(
        server, "hwmon0", "", name="jc42", temp1_input=45_000, **{f"temp1_{name}": text for name, text in files.items()}
    )
    assert limits(server) == ({"jc42 temp1": expected} if expected else {})


@pytest.mark.parametrize("name", ["coretemp", "spd5118", "nct6798", "w83627ehf"])
def test_the_max_of_some_chips_is_passed_in_normal_work(server: FixtureMachine, name: str) -> None:
    chip(server, "hwmon0", name=name, temp1_input=82_000, temp1_max=80_000, temp1_crit=100_000, temp1_max_alarm=1)
    chip(server, "hwmon0", temp2_input=119_000, temp2_max=80_000, temp2_alarm=1)
    assert limits(server) == {f"{name} temp1": (95.0, 100.0)}
    assert level(server) == {}


def test_what_lies_about_its_temperature_has_no_limits_either(server: FixtureMachine) -> None:
    chip(server, "hwmon0", name="jc42", temp1_input=-128_000, temp1_crit=95_000, temp1_alarm=1)
    assert server.read(Temperatures).sensors == ()


def test_a_processor_without_limits_has_none(server: FixtureMachine) -> None:
    """As AMD's; some are made to run at 95 °C."""
    chip(server, "hwmon0", name="k10temp", temp1_input=115_000, temp1_label="Tctl")
    assert limits(server) == {}
    assert level(server) == {}


def trips(machine: FixtureMachine, number: int, *points: tuple[str, int]) -> None:
    for place, (kind, millidegrees) in enumerate(points):
        machine.write(f"{THERMAL}/thermal_zone{number}/trip_point_{place}_type", f"{kind}\n")
        machine.write(f"{THERMAL}/thermal_zone{number}/trip_point_{place}_temp", f"{millidegrees}\n")


def test_trip_points_are_limits_for_what_hwmon_has_as_well(server: FixtureMachine) -> None:
    chip(server, "hwmon0", name="cpu_thermal", temp1_input=61_000, temp1_crit=110_000)
    zone(server, 0, "cpu-thermal", 61_000)
    trips(server, 0, ("active", 50_000), ("passive", 75_000), ("passive", 85_000), ("critical", 115_000))
    zone(server, 1, "soc", 50_000)
    trips(server, 1, ("passive", 70_000), ("hot", 90_000), ("critical", 95_000), ("critical", 97_000))
    zone(server, 2, "iwlwifi_1", 50_000)
    trips(server, 2, ("passive", 32_767_000), ("critical", 16_800))
    assert limits(server) == {"cpu_thermal temp1": (85.0, 110.0), "soc temp1": (90.0, 95.0)}


def test_a_hot_sensor_is_a_finding_at_its_own_limits(laptop: FixtureMachine) -> None:
    for millidegrees, expected in (
        (81_849, None),
        (81_850, "warning is 81.8\u00a0°C (warning at 81.8\u00a0°C)"),
        (84_849, "warning is 84.8\u00a0°C (warning at 81.8\u00a0°C)"),
        (84_850, "critical is 84.8\u00a0°C (critical at 84.8\u00a0°C)"),
    ):
        laptop.write(f"{HWMON}/hwmon1/temp1_input", f"{millidegrees}\n")
        assert level(laptop, 10).get("nvme nvme0 Composite") == expected


def test_an_alarm_is_critical_where_there_is_no_limit_and_a_warning_below_the_critical_one(
    server: FixtureMachine,
) -> None:
    chip(server, "hwmon0", name="nvme", temp1_input=70_000, temp1_crit=84_850, temp1_alarm=1)
    chip(server, "hwmon1", name="tmp421", temp1_input=61_000, temp1_alarm=1, temp2_input=50_000, temp2_crit_alarm=0)
    chip(server, "hwmon2", name="jc42", temp1_input=45_000, temp1_max=0, temp1_crit=0, temp1_max_alarm=1)
    said = "is 61.0\u00a0°C (its chip raises an alarm)"
    assert level(server) == {
        "nvme temp1": "warning is 70.0\u00a0°C (its chip raises an alarm)",
        "tmp421 temp1": f"critical {said}",
    }
    assert server.exposition().labels("host_temperature_alarm", "chip") == {"nvme", "tmp421"}


@pytest.mark.parametrize("said", [-1, "1_0", "+1", "9" * 6000])
def test_what_is_no_plain_number_is_no_alarm(server: FixtureMachine, said: object) -> None:
    chip(server, "hwmon0", name="tmp421", temp1_input=61_000, temp1_alarm=said, temp1_crit=said)
    assert level(server) == {}
    assert "host_temperature_alarm" not in server.exposition().names()


def test_the_alarm_that_lasts_until_the_next_boot_is_no_finding(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "platform/coretemp.0", name="coretemp", temp1_input=45_000, temp1_crit_alarm=1)
    chip(server, "hwmon1", "platform/coretemp.1", name="coretemp", temp1_input=45_000, temp1_crit_alarm=0)
    assert level(server) == {}
    figure = {"chip": "coretemp coretemp.0", "sensor": "temp1"}
    assert server.exposition().value("host_temperature_alarm", **figure) == 1


def test_limits_and_alarms_are_read_every_half_a_minute_and_for_a_new_sensor_at_once(server: FixtureMachine) -> None:
    chip(server, "hwmon0", name="nvme", temp1_input=70_000, temp1_crit=84_000, temp1_alarm=0)
    assert limits(server) == {"nvme temp1": (None, 84.0)}
    chip(server, "hwmon0", temp1_crit=69_000, temp1_alarm=1)
    assert limits(server) == {"nvme temp1": (None, 84.0)}
    server.sample(30)
    assert limits(server) == {"nvme temp1": (None, 69.0)}
    assert list(level(server)) == ["nvme temp1"]
    chip(server, "hwmon0", temp1_crit=84_000)
    chip(server, "hwmon1", name="tmp75", temp1_input=30_000, temp1_max=60_000)
    assert limits(server) == {"nvme temp1": (None, 84.0), "tmp75 temp1": (60.0, None)}


def test_a_chip_keeps_its_name_while_another_of_its_kind_sleeps(laptop: FixtureMachine) -> None:
    laptop.write(f"{HWMON}/hwmon2/temp1_input", "")
    assert celsius(laptop)["nvme nvme0", "Composite"] == 38.85


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
    assert limits(macos) == {"coretemp Core 0": (None, 100.0)}
