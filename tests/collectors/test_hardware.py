"""Fans, voltages, throttling and memory errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.hardware import Fan, Hardware, MemoryModule, Voltage

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows

HWMON = "sys/class/hwmon"
EDAC = "sys/devices/system/edac/mc"
CPU = "sys/devices/system/cpu"


def chip(machine: FixtureMachine, folder: str, name: str, device: str = "", **files: object) -> None:
    for file, content in {"name": name, **files}.items():
        machine.write(f"{HWMON}/{folder}/{file}", f"{content}\n")
    if device:
        machine.path(f"sys/devices/{device}").mkdir(parents=True, exist_ok=True)
        machine.path(f"{HWMON}/{folder}/device").symlink_to(f"../../../devices/{device}")


def fans(machine: FixtureMachine) -> tuple[Fan, ...]:
    return machine.read(Hardware).fans


def voltages(machine: FixtureMachine) -> tuple[Voltage, ...]:
    return machine.read(Hardware).voltages


def kinds(machine: FixtureMachine, seconds: float = 60) -> dict[tuple[str, str], str]:
    found = machine.sample(seconds).findings()
    return {(each.kind, each.subject): str(each.level) for each in found if each.kind != "HostFilesystemError"}


def test_the_laptop_counts_each_core_and_package_once(laptop: FixtureMachine) -> None:
    assert laptop.read(Hardware) == Hardware(
        fans=(Fan("thinkpad", "fan1", 2731, alarm=False), Fan("thinkpad", "fan2", 0)),
        voltages=(Voltage("BAT0", "in0", 11.4), Voltage("ina3221", "VDD_5V", 5.056, alarm=False)),
        core_throttles=3 + 7,
        package_throttles=9,
        corrected_errors=3,
        uncorrected_errors=0,
        modules=(MemoryModule("CPU_SrcID#0_Ha#0_Chan#0_DIMM#0", 2, 0),),
    )


def test_what_changes_is_seen_half_a_minute_later_at_most(laptop: FixtureMachine) -> None:
    assert fans(laptop)[0].rpm == 2731
    laptop.write(f"{HWMON}/hwmon5/fan1_input", "1200\n")
    assert fans(laptop)[0].rpm == 2731
    laptop.sample(30)
    assert fans(laptop)[0].rpm == 1200


def test_two_packages_are_added(server: FixtureMachine) -> None:
    for cpu, (package, core, times, together) in enumerate([(0, 0, 1, 5), (0, 1, 2, 5), (1, 0, 4, 8), (1, 0, 3, 9)]):
        topology, counts = f"{CPU}/cpu{cpu}/topology", f"{CPU}/cpu{cpu}/thermal_throttle"
        server.path(topology).mkdir(parents=True, exist_ok=True)
        for file in server.path(topology).iterdir():
            file.unlink()
        server.write(f"{topology}/physical_package_id", f"{package}\n")
        server.write(f"{topology}/core_id", f"{core}\n")
        server.write(f"{counts}/core_throttle_count", f"{times}\n")
        server.write(f"{counts}/package_throttle_count", f"{together}\n")
    exposition = server.exposition()
    assert exposition.value("host_cpu_throttles_total", scope="core") == 1 + 2 + 4
    assert exposition.value("host_cpu_throttles_total", scope="package") == 5 + 9


def test_a_fan_may_stand_still_and_an_alarm_is_a_fault(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "amdgpu", fan1_input=0, fan1_min=0, fan1_max=3300)
    chip(
        server,
        "hwmon1",
        "nct6798",
        fan1_input=0,
        fan1_min=600,
        fan1_alarm=1,
        fan2_input=900,
        fan2_min=600,
        fan2_alarm=0,
    )
    chip(server, "hwmon2", "ipmi", fan1_alarm=1)
    assert fans(server) == (
        Fan("amdgpu", "fan1", 0),
        Fan("ipmi", "fan1", None, alarm=True),
        Fan("nct6798", "fan1", 0, alarm=True),
        Fan("nct6798", "fan2", 900, alarm=False),
    )
    assert kinds(server) == {
        ("HostFanFailed", "ipmi fan1"): "warning",
        ("HostFanFailed", "nct6798 fan1"): "warning",
    }


@pytest.mark.parametrize("least", [0, 10, "n/a"])
def test_a_plug_without_a_fan_is_no_fault(server: FixtureMachine, least: object) -> None:
    """Nobody has set its limit; the chip raises an alarm all the same."""
    chip(server, "hwmon0", "it8728", fan3_input=0, fan3_min=least, fan3_alarm=1)
    assert fans(server) == (Fan("it8728", "fan3", 0),)


def test_a_chip_that_wakes_up_with_random_limits_raises_no_alarm(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "w83627ehf", fan1_input=0, fan1_min=2636, fan1_alarm=1)
    for name, text in (("in1_input", "1000"), ("in1_min", "2000"), ("in1_max", "2500"), ("in1_alarm", "1")):
        server.write(f"{HWMON}/hwmon0/{name}", f"{text}\n")
    assert fans(server) == (Fan("w83627ehf", "fan1", 0),)
    assert voltages(server) == (Voltage("w83627ehf", "in1", 1.0),)


def test_a_plug_without_a_fan_raises_no_alarm_where_no_limit_can_be_set(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "f71882fg", fan1_input=0, fan1_alarm=1)
    assert fans(server) == (Fan("f71882fg", "fan1", 0),)


@pytest.mark.parametrize("said", [65_535, 1_350_000, -1, "n/a"])
def test_a_speed_that_cannot_be_is_left_out_and_counted(server: FixtureMachine, said: object) -> None:
    chip(server, "hwmon0", "nct6798", fan1_input=said, fan2_input=900)
    exposition = server.exposition()
    assert exposition.labels("host_fan_rpm", "sensor") == {"fan2"}
    assert exposition.value("host_exporter_values_dropped_total", collector="hardware") == 1


def test_a_fan_whose_sensor_has_a_fault_has_no_speed(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "ipmi", fan1_input=900, fan1_fault=1, fan2_input=950, fan2_fault=0)
    assert fans(server) == (Fan("ipmi", "fan2", 950),)


def test_a_raspberry_pi_says_that_its_power_supply_is_too_weak(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "rpi_volt", "platform/soc/soc:firmware/raspberrypi-hwmon", in0_lcrit_alarm=0)
    assert voltages(server) == (Voltage("rpi_volt", "in0", None, alarm=False),)
    assert kinds(server) == {}
    server.write(f"{HWMON}/hwmon0/in0_lcrit_alarm", "1\n")
    assert kinds(server) == {("HostVoltageWrong", "rpi_volt in0"): "warning"}
    server.write(f"{HWMON}/hwmon0/in0_lcrit_alarm", "0\n")
    assert kinds(server) == {}


@pytest.mark.parametrize(
    ("limits", "alarm"),
    [
        ({}, True),
        ({"in0_min": 10_800, "in0_max": 13_200}, True),
        ({"in0_min": 10_800}, True),
        ({"in0_min": 0, "in0_max": 0}, None),
        ({"in0_min": 0, "in0_max": 3060}, None),
        ({"in0_min": 20, "in0_max": 590}, None),
        ({"in0_min": 3060, "in0_max": 3060}, None),
        ({"in0_min": "n/a", "in0_max": 3060}, None),
    ],
)
def test_an_alarm_at_a_limit_that_nobody_has_set_is_none(
    server: FixtureMachine, limits: dict[str, object], alarm: bool | None
) -> None:
    chip(server, "hwmon0", "nct6798", "", in0_input=12_096, in0_alarm=1, in1_input=0, **limits)
    assert voltages(server) == (Voltage("nct6798", "in0", 12.096, alarm=alarm), Voltage("nct6798", "in1", 0))


def test_a_rail_may_be_below_zero(server: FixtureMachine) -> None:
    chip(server, "hwmon0", "w83627hf", in5_input=-12_030, in6_input=2_000_000)
    assert server.exposition().value("host_voltage_volts", chip="w83627hf", sensor="in5") == -12.03
    assert voltages(server) == (Voltage("w83627hf", "in5", -12.03),)


def test_chips_are_named_as_their_temperatures_are(server: FixtureMachine) -> None:
    """Of the second one only the fan can be read, of the first one only the temperature."""
    chip(server, "hwmon0", "amdgpu", "pci0/0000:03:00.0", temp1_input=45_000, fan1_input="")
    chip(server, "hwmon1", "amdgpu", "pci0/0000:83:00.0", temp1_input="", fan1_input=1100)
    exposition = server.exposition()
    assert exposition.labels("host_fan_rpm", "chip") == {"amdgpu 0000:83:00.0"}
    assert exposition.labels("host_temperature_celsius", "chip") == {"amdgpu 0000:03:00.0"}


def test_memory_that_has_lost_data_is_critical_and_named(server: FixtureMachine) -> None:
    for name, (corrected, uncorrected, lost) in {"mc0": (120, 0, 0), "mc1": (1, 2, 1)}.items():
        server.write(f"{EDAC}/{name}/ce_count", f"{corrected}\n")
        server.write(f"{EDAC}/{name}/ue_count", f"{uncorrected}\n")
        server.write(f"{EDAC}/{name}/ce_noinfo_count", "1\n")
        server.write(f"{EDAC}/{name}/dimm3/dimm_label", "" if lost else "DIMM_A1\n")
        server.write(f"{EDAC}/{name}/dimm3/dimm_ce_count", f"{corrected}\n")
        server.write(f"{EDAC}/{name}/dimm3/dimm_ue_count", f"{lost}\n")
    section = server.read(Hardware)
    assert (section.corrected_errors, section.uncorrected_errors) == (121, 2)
    assert section.modules == (MemoryModule("DIMM_A1", 120, 0), MemoryModule("mc1 dimm3", 1, 1))
    found, often = [each for each in server.sample().findings() if each.kind == "HostMemoryErrors"]
    assert (str(found.level), str(often.level)) == ("critical", "warning")
    assert found.reason == "has had 2 errors since boot that could not be corrected (mc1 dimm3)"


def test_a_count_that_cannot_be_read_is_unknown_and_hides_no_module(server: FixtureMachine) -> None:
    for name, count in {"ce_count": "", "ue_count": "0", "dimm0/dimm_ce_count": "7", "dimm0/dimm_ue_count": ""}.items():
        server.write(f"{EDAC}/mc0/{name}", f"{count}\n")
    assert server.read(Hardware) == Hardware(uncorrected_errors=0, modules=(MemoryModule("mc0 dimm0", 7, None),))


@pytest.mark.parametrize("said", ["4294967295", "18446744073709551615", "-1", "9" * 39])
def test_a_count_of_errors_that_no_memory_can_have_is_left_out(server: FixtureMachine, said: str) -> None:
    server.write(f"{EDAC}/mc0/ce_count", "1\n")
    server.write(f"{EDAC}/mc0/ue_count", f"{said}\n")
    snapshot = server.sample()
    found = server.read(Hardware)
    assert (found.corrected_errors, found.uncorrected_errors) == (1, None)
    assert not [each for each in snapshot.findings() if each.kind == "HostMemoryErrors"]


@pytest.mark.parametrize("said", ["-1", "1_0", "+1", "9" * 6000])
def test_what_is_no_plain_number_is_no_alarm(server: FixtureMachine, said: str) -> None:
    chip(server, "hwmon0", "ipmi", fan1_input=900, fan1_alarm=said, in0_input=900, in0_alarm=said, fan2_input=said)
    assert fans(server) == (Fan("ipmi", "fan1", 900),)
    assert voltages(server) == (Voltage("ipmi", "in0", 0.9),)
    assert kinds(server) == {}


@pytest.mark.parametrize(
    ("count", "hours", "said"),
    [(25, 1, "25"), (25, 6, "25"), (24, 1, ""), (25, 7, ""), (100, 24, "25"), (99, 24, ""), (4000, 240, "100")],
)
def test_errors_corrected_too_often_are_a_warning(server: FixtureMachine, count: int, hours: int, said: str) -> None:
    server.write(f"{EDAC}/mc0/ce_count", f"{count}\n")
    server.write(f"{EDAC}/mc0/ue_count", "0\n")
    server.write("proc/uptime", f"{hours * 3600}.00 1.00\n")
    found = [each for each in server.sample().findings() if each.kind == "HostMemoryErrors"]
    expected = [("warning", f"has had {said} errors corrected in 6 hours (limit 25)")] if said else []
    assert [(str(each.level), each.reason) for each in found] == expected


def test_a_kernel_that_knows_rows_and_channels_only_names_them(server: FixtureMachine) -> None:
    server.write(f"{EDAC}/mc0/ce_count", "5\n")
    server.write(f"{EDAC}/mc0/csrow2/ch1_ce_count", "5\n")
    server.write(f"{EDAC}/mc0/csrow2/ch1_dimm_label", "DIMM_B1\n")
    server.write(f"{EDAC}/mc0/csrow2/ch0_ce_count", "0\n")
    section = server.read(Hardware)
    assert (section.corrected_errors, section.modules) == (5, (MemoryModule("DIMM_B1", 5, 0),))
    assert "host_memory_errors_total" in server.exposition().names()


def test_a_server_without_any_of_it_is_not_a_failure(server: FixtureMachine) -> None:
    assert server.try_read(Hardware) is None
    exposition = server.exposition()
    assert exposition.value("host_exporter_collector_success", collector="hardware") == 1
    assert not {name for name in exposition.names() if name.startswith(("host_fan", "host_voltage", "host_memory_err"))}


@pytest.mark.parametrize("system", ["windows", "macos"])
def test_windows_and_macos_have_none(system: str, request: pytest.FixtureRequest) -> None:
    machine: Windows | MacOs = request.getfixturevalue(system)
    assert machine.sample().section(Hardware) is None
