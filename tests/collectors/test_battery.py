"""Battery charge and power source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.battery import Battery
from tests.psutil_shapes import Battery as PsutilBattery

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows

SUPPLY = "sys/class/power_supply"


def cell(laptop: FixtureMachine, name: str, **files: object) -> None:
    """Write the files of a battery; ``None`` removes a file."""
    for file, content in {"type": "Battery", "present": 1, **files}.items():
        if content is None:
            laptop.remove(f"{SUPPLY}/{name}/{file}")
        else:
            laptop.write(f"{SUPPLY}/{name}/{file}", f"{content}\n")


def is_low(snapshot: Snapshot) -> bool:
    return "HostBatteryLow" in {finding.kind for finding in snapshot.findings()}


def test_a_discharging_laptop_knows_its_charge_and_its_time_and_ignores_its_mouse(laptop: FixtureMachine) -> None:
    # 30 of 40 Wh at 10 W; the mouse has 5 %.
    assert laptop.read(Battery) == Battery(charge_ratio=0.75, plugged=False, remaining_seconds=3 * 3600)


def test_on_mains_there_is_no_time_left_to_show(laptop: FixtureMachine) -> None:
    laptop.write(f"{SUPPLY}/AC/online", "1\n")
    cell(laptop, "BAT0", status="Charging")
    assert laptop.read(Battery) == Battery(0.75, plugged=True, remaining_seconds=None)
    exposition = laptop.exposition()
    assert exposition.value("host_battery_plugged") == 1
    assert "host_battery_remaining_seconds" not in exposition.names()


def test_a_usb_charger_is_mains_as_well(laptop: FixtureMachine) -> None:
    laptop.write(f"{SUPPLY}/usbc0/online", "1\n")
    assert laptop.read(Battery).plugged is True


def test_two_cells_are_one_battery_weighed_by_their_size(laptop: FixtureMachine) -> None:
    cell(laptop, "BAT1", status="Unknown", energy_now=10_000_000, energy_full=60_000_000, power_now=0)
    # (30 + 10) of (40 + 60) Wh; one cell delivers 10 W, the other is idle.
    assert laptop.read(Battery) == Battery(0.4, plugged=False, remaining_seconds=4 * 3600)


@pytest.mark.parametrize(
    ("status", "plugged"),
    [("Discharging", False), ("Charging", True), ("Full", True), ("Not charging", True), ("Unknown", None)],
)
def test_without_a_mains_entry_the_cells_tell_whether_it_is_plugged_in(
    laptop: FixtureMachine, status: str, plugged: bool | None
) -> None:
    laptop.remove(f"{SUPPLY}/AC")
    laptop.remove(f"{SUPPLY}/usbc0")
    cell(laptop, "BAT0", status=status)
    assert laptop.read(Battery).plugged is plugged
    value = laptop.exposition().value("host_battery_plugged")
    assert value == (None if plugged is None else float(plugged))


def test_a_battery_that_counts_charge_instead_of_energy_is_read_too(laptop: FixtureMachine) -> None:
    laptop.remove(f"{SUPPLY}/BAT0")
    # Some firmware reports the current of a discharging battery as negative.
    cell(laptop, "BAT0", status="Discharging", charge_now=2_000_000, charge_full=4_000_000, current_now=-500_000)
    assert laptop.read(Battery) == Battery(0.5, plugged=False, remaining_seconds=4 * 3600)


def test_a_battery_that_knows_only_its_percentage_has_no_remaining_time(laptop: FixtureMachine) -> None:
    laptop.remove(f"{SUPPLY}/BAT0")
    cell(laptop, "BAT0", status="Discharging", capacity=42)
    assert laptop.read(Battery) == Battery(0.42, plugged=False, remaining_seconds=None)


@pytest.mark.parametrize(
    ("files", "ratio"),
    [
        ({"capacity": 98}, 0.98),
        ({"capacity": 102, "status": "Full"}, 1.0),
        ({"capacity": None, "status": "Full"}, 1.0),
        ({"capacity": 102}, None),
        ({"capacity": None}, None),
    ],
)
def test_a_battery_above_its_own_full_charge_is_as_full_as_others_say(
    laptop: FixtureMachine, files: dict[str, object], ratio: float | None
) -> None:
    """Firmware that has lost count. Without another word the charge is unknown, not 100 %."""
    cell(laptop, "BAT0", energy_now=41_000_000, **files)
    assert laptop.read(Battery) == Battery(
        ratio, plugged=False, remaining_seconds=None if "status" in files or ratio is None else 3600 * 39.2 / 10
    )
    dropped = laptop.exposition().value("host_exporter_values_dropped_total", collector="battery")
    assert (dropped is not None) == (ratio is None)


@pytest.mark.parametrize(("capacity", "ratio"), [(0, 0.0), (100, 1.0), (101, None), (255, None)])
def test_a_percentage_above_100_is_unknown(laptop: FixtureMachine, capacity: int, ratio: float | None) -> None:
    laptop.remove(f"{SUPPLY}/BAT0")
    cell(laptop, "BAT0", status="Discharging", capacity=capacity)
    exposition = laptop.exposition()
    assert exposition.value("host_battery_charge_ratio") == ratio
    assert exposition.value("host_battery_plugged") == 0


@pytest.mark.parametrize(
    ("first", "second", "plugged"),
    [
        ("Charging", "Unknown", True),
        ("Charging", "Not charging", True),
        ("Discharging", "Not charging", False),
        ("Discharging", "Charging", False),
        ("Full", "Full", False),
    ],
)
def test_a_battery_that_charges_is_plugged_in_even_if_the_charger_says_no(
    laptop: FixtureMachine, first: str, second: str, plugged: bool
) -> None:
    """A dock or USB-C charger that has no entry of its own."""
    cell(laptop, "BAT0", status=first, energy_now=4_000_000)
    cell(laptop, "BAT1", status=second, energy_now=4_000_000, energy_full=40_000_000)
    snapshot = laptop.sample()
    battery = snapshot.section(Battery)
    assert battery is not None
    assert battery.plugged is plugged
    assert (battery.remaining_seconds is None) is (first != "Discharging")
    assert is_low(snapshot) is not plugged


@pytest.mark.parametrize("kind", ["USB_PD", "USB_DCP", "Wireless"])
def test_other_kinds_of_chargers_are_mains_as_well(laptop: FixtureMachine, kind: str) -> None:
    laptop.write(f"{SUPPLY}/usbc0/type", f"{kind}\n")
    laptop.write(f"{SUPPLY}/usbc0/online", "1\n")
    assert laptop.read(Battery).plugged is True


@pytest.mark.parametrize("name", ["hidpp_battery_0", "hid-34:88:5d:3c:00:11-battery"])
def test_the_battery_of_a_mouse_whose_driver_gives_no_scope_is_not_the_machines(
    server: FixtureMachine, name: str
) -> None:
    for file, content in {"type": "Battery", "capacity": 5, "status": "Discharging"}.items():
        server.write(f"{SUPPLY}/{name}/{file}", f"{content}\n")
    assert server.sample().section(Battery) is None


def test_the_charger_of_a_mouse_does_not_power_the_machine(laptop: FixtureMachine) -> None:
    laptop.write(f"{SUPPLY}/usbc0/scope", "Device\n")
    laptop.write(f"{SUPPLY}/usbc0/online", "1\n")
    assert laptop.read(Battery).plugged is False


@pytest.mark.parametrize(
    "volts",
    [
        {"voltage_min_design": 12_000_000, "voltage_now": 11_000_000},
        {"voltage_now": 12_000_000},
        {"voltage_min_design": 0, "voltage_now": 12_000_000},
    ],
)
def test_energy_and_charge_are_added_by_the_voltage(laptop: FixtureMachine, volts: dict[str, object]) -> None:
    # 30 of 40 Wh at 10 W, and 1 of 5 Ah at 0.5 A and 12 V: 12 of 60 Wh at 6 W.
    cell(
        laptop,
        "BAT1",
        status="Discharging",
        charge_now=1_000_000,
        charge_full=5_000_000,
        current_now=500_000,
        **volts,
    )
    battery = laptop.read(Battery)
    assert battery == Battery(0.42, plugged=False, remaining_seconds=3600 * 42 / 16)


@pytest.mark.parametrize("other", [{"charge_now": 1_000_000, "charge_full": 4_000_000}, {"capacity": 25}])
def test_batteries_of_unknown_size_are_taken_for_equal(laptop: FixtureMachine, other: dict[str, object]) -> None:
    # 75 % and 25 %; how long they last depends on the sizes.
    cell(laptop, "BAT1", status="Discharging", **other)
    assert laptop.read(Battery) == Battery(0.5, plugged=False, remaining_seconds=None)


def test_a_rate_that_is_noise_gives_no_remaining_time(laptop: FixtureMachine) -> None:
    """It would last for 34 years."""
    cell(laptop, "BAT0", power_now=100)
    assert laptop.read(Battery) == Battery(0.75, plugged=False, remaining_seconds=None)


def test_one_reading_of_zero_is_not_believed(laptop: FixtureMachine) -> None:
    """As some firmware gives after waking up: no battery is empty within seconds."""
    laptop.read(Battery)
    cell(laptop, "BAT0", energy_now=0)
    snapshot = laptop.sample(15)
    battery = snapshot.section(Battery)
    assert battery is not None
    assert battery.charge_ratio is None
    assert not is_low(snapshot)
    cell(laptop, "BAT0", energy_now=30_000_000)
    assert laptop.sample(15).section(Battery) == Battery(0.75, plugged=False, remaining_seconds=3 * 3600)


def test_a_second_reading_of_zero_is_believed(laptop: FixtureMachine) -> None:
    laptop.read(Battery)
    cell(laptop, "BAT0", energy_now=0)
    laptop.sample(15)
    snapshot = laptop.sample(15)
    battery = snapshot.section(Battery)
    assert battery is not None
    assert battery.charge_ratio == 0
    assert is_low(snapshot)


def test_a_battery_that_drains_as_fast_as_one_can_is_believed(laptop: FixtureMachine) -> None:
    charge = 30_000_000
    for _ in range(5):
        cell(laptop, "BAT0", energy_now=charge)
        assert laptop.sample(60).section(Battery) == Battery(
            charge / 40_000_000, plugged=False, remaining_seconds=3600 * charge / 10_000_000
        )
        charge -= 4_000_000  # a tenth, in a tenth of ten minutes


@pytest.mark.parametrize("change", [{"present": 0}, {"scope": "Device"}, {"energy_now": "", "capacity": ""}])
def test_an_empty_bay_a_foreign_battery_and_an_unreadable_one_do_not_count(
    laptop: FixtureMachine, change: dict[str, object]
) -> None:
    cell(laptop, "BAT0", **change)
    assert laptop.try_read(Battery) is None


def test_a_server_without_a_battery_is_not_a_failure(server: FixtureMachine) -> None:
    assert server.try_read(Battery) is None
    exposition = server.exposition()
    assert exposition.value("host_exporter_collector_success", collector="battery") == 1
    assert not [name for name in exposition.names() if name.startswith("host_battery")]


def test_a_windows_desktop_has_no_battery(windows: Windows) -> None:
    assert windows.sample().section(Battery) is None


@pytest.mark.parametrize(
    ("answer", "battery"),
    [
        (PsutilBattery(40, 7200, power_plugged=False), Battery(0.4, plugged=False, remaining_seconds=7200)),
        (
            PsutilBattery(40, psutil.POWER_TIME_UNKNOWN, power_plugged=False),
            Battery(0.4, plugged=False, remaining_seconds=None),
        ),
        (PsutilBattery(40, None, power_plugged=None), Battery(0.4, plugged=None, remaining_seconds=None)),
        (PsutilBattery(100, 7200, power_plugged=True), Battery(1.0, plugged=True, remaining_seconds=None)),
        # Charging, by a charger that Windows does not know.
        (
            PsutilBattery(10, psutil.POWER_TIME_UNLIMITED, power_plugged=False),
            Battery(0.1, plugged=True, remaining_seconds=None),
        ),
        (PsutilBattery(40, 2**32 - 1, power_plugged=False), Battery(0.4, plugged=False, remaining_seconds=None)),
        (PsutilBattery(101, 7200, power_plugged=False), Battery(None, plugged=False, remaining_seconds=7200)),
    ],
)
def test_a_windows_laptop_shows_what_psutil_knows(
    windows: Windows, monkeypatch: pytest.MonkeyPatch, answer: PsutilBattery, battery: Battery
) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: answer)
    assert windows.read(Battery) == battery


@pytest.mark.parametrize("percent", [255, -1, None])
def test_a_battery_whose_charge_is_unknown_is_not_shown(
    windows: Windows, monkeypatch: pytest.MonkeyPatch, percent: float | None
) -> None:
    answer = PsutilBattery(percent, psutil.POWER_TIME_UNKNOWN, power_plugged=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: answer)
    snapshot = windows.sample()
    assert snapshot.section(Battery) is None
    assert not is_low(snapshot)


def test_a_psutil_without_batteries_is_a_machine_without(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_battery")
    assert windows.sample().section(Battery) is None


def test_a_mac_on_its_charger_has_no_remaining_time(macos: MacOs) -> None:
    assert macos.read(Battery) == Battery(0.8, plugged=True, remaining_seconds=None)


@pytest.mark.parametrize(("now", "full"), [("-1", "50000000"), ("1000", "-5"), ("1000", "0")])
def test_a_battery_with_an_impossible_charge_shows_its_percentage(laptop: FixtureMachine, now: str, full: str) -> None:
    laptop.write("sys/class/power_supply/BAT0/energy_now", now)
    laptop.write("sys/class/power_supply/BAT0/energy_full", full)
    laptop.write("sys/class/power_supply/BAT0/capacity", "60")
    assert laptop.read(Battery).charge_ratio == 0.6
