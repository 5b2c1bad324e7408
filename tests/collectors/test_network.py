"""Network interfaces: link state, speed and traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.network import Interface, Network
from exporter.render.rows import row
from exporter.sources.host import LINUX
from exporter.sources.netdev import Counters
from tests.machines import FixtureMachine
from tests.psutil_shapes import NetStats

if TYPE_CHECKING:
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter


def by_name(machine: FixtureMachine) -> dict[str, Interface]:
    return {interface.interface: interface for interface in machine.read(Network).interfaces}


def test_the_laptop_has_three_cards_and_shows_nothing_of_its_containers(laptop: FixtureMachine) -> None:
    assert {name: (each.up, each.speed_bytes) for name, each in by_name(laptop).items()} == {
        "enp0s31f6": (False, None),
        "enp3s0": (True, 125_000_000),
        "wlp4s0": (True, None),
    }


def test_the_counters_are_those_of_the_file_in_the_right_columns(laptop: FixtureMachine) -> None:
    assert by_name(laptop)["enp3s0"].counters == Counters(
        receive_bytes=1_000_000_000,
        receive_packets=800_000,
        receive_errors=3,
        receive_dropped=7,
        transmit_bytes=200_000_000,
        transmit_packets=400_000,
        transmit_errors=1,
        transmit_dropped=2,
    )


def test_rates_are_the_bytes_moved_between_two_samples(laptop: FixtureMachine) -> None:
    network = laptop.later().section(Network)
    assert network is not None
    rates = {each.interface: (each.receive_rate_bytes, each.transmit_rate_bytes) for each in network.interfaces}
    assert rates == {"enp0s31f6": (0, 0), "enp3s0": (1_250_000, 250_000), "wlp4s0": (1000, 500)}


def test_an_interface_created_anew_has_no_rate_rather_than_a_negative_one(laptop: FixtureMachine) -> None:
    laptop.read(Network)
    laptop.write("proc/1/net/dev", f"enp3s0: {' 1' * 16}\n")
    assert [(each.interface, each.receive_rate_bytes) for each in laptop.read(Network).interfaces] == [("enp3s0", None)]


@pytest.mark.parametrize(
    ("state", "up"), [("up", 1), ("down", 0), ("unknown", 1), ("dormant", 0), ("lowerlayerdown", 0)]
)
def test_a_tunnel_without_link_state_is_up(laptop: FixtureMachine, state: str, up: int) -> None:
    laptop.write("sys/class/net/enp3s0/operstate", f"{state}\n")
    assert laptop.exposition().value("host_network_up", interface="enp3s0") == up


@pytest.mark.parametrize(
    "speed",
    # -1 in 32 bits, in 16, in the upper 16 of 32; the largest signed number; bits per second in Windows' 32 bits.
    [
        "-1",
        "0",
        "",
        "4294967295x",
        "4294967295",
        "65535",
        "4294902760",
        "2147483647",
        "4294",
        str(2**64 - 1),
        "9" * 400,
    ],
)
def test_an_unknown_speed_is_absent(laptop: FixtureMachine, speed: str) -> None:
    laptop.write("sys/class/net/enp3s0/speed", f"{speed}\n")
    exposition = laptop.exposition()
    assert exposition.value("host_network_speed_bytes", interface="enp3s0") is None
    assert exposition.value("host_network_up", interface="enp3s0") == 1


@pytest.mark.parametrize("speed", [1, 10, 54, 2500, 10_000, 65_536, 100_000, 1_600_000])
def test_a_known_speed_is_shown(laptop: FixtureMachine, speed: int) -> None:
    laptop.write("sys/class/net/enp3s0/speed", f"{speed}\n")
    assert laptop.exposition().value("host_network_speed_bytes", interface="enp3s0") == speed * 125_000


@pytest.mark.parametrize("speed", [10, 10_000])
def test_the_speed_that_linux_makes_up_for_a_tun_is_absent(laptop: FixtureMachine, speed: int) -> None:
    laptop.write("sys/class/net/enp3s0/speed", f"{speed}\n")
    laptop.write("sys/class/net/enp3s0/tun_flags", "0x1001\n")
    assert laptop.exposition().value("host_network_speed_bytes", interface="enp3s0") is None


def test_an_interface_missing_in_sys_still_has_its_counters(server: FixtureMachine) -> None:
    server.remove("sys/class/net")
    exposition = server.exposition()
    assert exposition.value("host_network_up", interface="eth0") is None
    assert exposition.value("host_network_receive_bytes_total", interface="eth0") == 5000


def test_names_with_colons_and_counters_that_touch_the_name_are_read(server: FixtureMachine) -> None:
    numbers = " ".join(str(number) for number in range(1, 17))
    server.write("proc/1/net/dev", f"header | x\nface |bytes: n\neth0:{numbers}\neth0:1: {numbers}\nshort: 1 2\n")
    interfaces = by_name(server)
    assert sorted(interfaces) == ["eth0", "eth0:1"]
    assert interfaces["eth0"].counters.transmit_dropped == 12


@pytest.mark.parametrize(
    ("patterns", "shown"),
    [("lo,en*", ["br-0123456789ab", "docker0", "veth1a2b3c4", "wlp4s0"]), ("*", [])],
)
def test_a_setting_decides_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patterns: str, shown: list[str]
) -> None:
    assert sorted(by_name(FixtureMachine("laptop", tmp_path, monkeypatch, exclude_interfaces=patterns))) == shown


def test_a_vanished_interface_is_gone_from_the_next_sample(laptop: FixtureMachine) -> None:
    laptop.read(Network)
    table = laptop.path("proc/1/net/dev").read_text().splitlines(keepends=True)
    laptop.write("proc/1/net/dev", "".join(line for line in table if "wlp4s0" not in line))
    assert "wlp4s0" not in laptop.exposition().labels("host_network_receive_bytes_total", "interface")


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_live_interfaces_are_those_of_sys_and_their_counters_those_of_proc(exporter: Exporter) -> None:
    folder = Path("/sys/class/net")
    if not folder.is_dir():
        pytest.skip("no /sys here")
    samples = exporter.samples()
    shown = samples.labels("host_network_receive_bytes_total", "interface")
    assert shown <= {path.name for path in folder.iterdir()}
    assert "lo" not in shown
    for name in shown:
        received = samples.value("host_network_receive_bytes_total", interface=name)
        assert received is not None
        assert received <= int((folder / name / "statistics" / "rx_bytes").read_text())
        state = (folder / name / "operstate").read_text().strip()
        assert samples.value("host_network_up", interface=name) == (state in {"up", "unknown"})


def test_a_bond_and_a_vlan_are_not_added_to_the_total(server: FixtureMachine) -> None:
    traffic = "1000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0"
    names = ("eth0", "eth1", "bond0", "eth0.10")
    server.write("proc/1/net/dev", "".join(f"{name}: {traffic}\n" for name in names))
    server.write("sys/class/net/bond0/lower_eth0/operstate", "up\n")
    server.write("sys/class/net/eth0.10/lower_eth0/operstate", "up\n")
    server.write("sys/class/net/eth0/upper_bond0/operstate", "up\n")
    assert [i.interface for i in server.read(Network).interfaces if i.stacked] == ["bond0", "eth0.10"]
    values = row(server.sample())
    assert (values["network_receive_bytes_total"], values["network_transmit_bytes_total"]) == (2000, 1000)


def test_windows_names_speeds_and_links_come_from_psutil(windows: Windows) -> None:
    interfaces = {each.interface: each for each in windows.read(Network).interfaces}
    assert {name: (each.up, each.speed_bytes) for name, each in interfaces.items()} == {
        "Ethernet": (True, 125_000_000),
        "Wi-Fi": (False, None),
    }
    assert interfaces["Ethernet"].receive_rate_bytes == 1000
    assert interfaces["Ethernet"].counters == Counters(15000, 50, 2, 4, 100, 1, 3, 5)


@pytest.mark.parametrize("speed", [-1, 0, 4294, 65535, (2**64 - 1) // 10**6])
def test_a_speed_that_windows_does_not_know_is_absent(
    windows: Windows, monkeypatch: pytest.MonkeyPatch, speed: int
) -> None:
    stats = {"Ethernet": NetStats(True, 2, speed, 1500, "")}
    monkeypatch.setattr(psutil, "net_if_stats", lambda: stats)
    assert [each.speed_bytes for each in windows.read(Network).interfaces] == [None, None]


def test_macos_shows_its_card_and_its_tunnel(macos: MacOs) -> None:
    assert [each.interface for each in macos.read(Network).interfaces] == ["en0", "utun0"]


@pytest.mark.parametrize("count", ["9" * 308, "9" * 5000, "x", "-5", "1e3", "\N{ARABIC-INDIC DIGIT TWO}"])
def test_a_counter_that_is_no_number_of_64_bits_costs_itself_alone(laptop: FixtureMachine, count: str) -> None:
    """A larger one led to a rate of infinity."""
    table = laptop.path("proc/1/net/dev").read_text()
    laptop.write("proc/1/net/dev", f"{table.rstrip()}\nbig0: 7 {count}{' 1' * 14}\n")
    found = {interface.interface: interface.counters for interface in laptop.read(Network).interfaces}
    assert found["big0"] == Counters(7, None, 1, 1, 1, 1, 1, 1)


def test_lines_that_no_kernel_writes_are_skipped(laptop: FixtureMachine) -> None:
    """A name must be a folder in /sys."""
    table = laptop.path("proc/1/net/dev").read_text()
    odd = [f"{name}: 1{' 0' * 15}" for name in ("../../etc", "a\0b", "")]
    before = {interface.interface for interface in laptop.read(Network).interfaces}
    laptop.write("proc/1/net/dev", "\n".join([table.rstrip(), *odd]) + "\n")
    assert {interface.interface for interface in laptop.read(Network).interfaces} == before


def test_a_link_state_that_macos_refuses_leaves_the_traffic(macos: MacOs, caplog: pytest.LogCaptureFixture) -> None:
    """While an adapter is being removed, or the machine falls asleep."""

    def refuse() -> None:
        raise OSError(6, "Device not configured")

    macos.patch.setattr(psutil, "net_if_stats", refuse)
    samples = macos.exposition()
    assert samples.value("host_network_receive_bytes_total", interface="en0") == 20
    assert not {"host_network_up", "host_network_speed_bytes"} & samples.names()
    assert samples.value("host_exporter_collector_success", collector="network") == 1
    assert samples.value("host_exporter_values_dropped_total", collector="network") == 1
    assert [record.getMessage() for record in caplog.records] == [
        "collector network: no link state: Device not configured"
    ]
