"""Traffic is counted once: not in a bond and its ports, not in a tunnel and the card that carries it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.network import Network
from exporter.render.line import plain_line
from exporter.render.rows import row
from exporter.settings import Patterns
from exporter.sources.host import LINUX
from tests.psutil_shapes import NetIo

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, OtherSystem, Windows
    from tests.support import Exporter

NET = "sys/class/net"
MIB = 2**20


def interfaces(machine: FixtureMachine, *names: str, received: int = 1000) -> None:
    """Replace the machine's interfaces; all have moved the same number of bytes. /sys does not know them."""
    machine.remove(NET)
    moved(machine, *names, received=received)


def moved(machine: FixtureMachine, *names: str, received: int) -> None:
    machine.write("proc/1/net/dev", "".join(f"{name}: {received}{' 0' * 15}\n" for name in names))


def real(machine: FixtureMachine, name: str, place: str, **files: str) -> None:
    """Add an interface the way Linux does: /sys/class/net has a link to its folder below /sys/devices."""
    folder = f"sys/devices/{place}/net/{name}"
    for file, content in {"operstate": "up\n", **files}.items():
        machine.write(f"{folder}/{file}", content)
    machine.path(NET).mkdir(exist_ok=True, parents=True)
    machine.path(f"{NET}/{name}").symlink_to(f"../../devices/{place}/net/{name}")


def counted(machine: FixtureMachine | OtherSystem) -> list[str]:
    return [each.interface for each in machine.read(Network).counted_once()]


def test_beside_a_card_nothing_virtual_counts_whatever_its_name(server: FixtureMachine) -> None:
    names = ("office", "uplink", "home", "guest", "wg0", "wwan0")
    interfaces(server, *names)
    real(server, "uplink", "pci0000:00/0000:00:03.0")
    real(server, "wg0", "pci0000:00/0000:00:04.0")  # a card that its owner has renamed
    real(server, "wwan0", "pci0000:00/0000:00:14.0/usb1/1-2", type="65534\n")
    for name in ("office", "home", "guest"):
        real(server, name, "virtual")
    assert counted(server) == ["uplink", "wg0", "wwan0"]
    assert row(server.sample())["network_receive_bytes_total"] == 3000


def test_the_ports_of_a_routers_switch_are_counted_by_its_card(server: FixtureMachine) -> None:
    """Linux links them to it only since 5.10."""
    interfaces(server, "eth0", "lan1", "lan2")
    real(server, "eth0", "platform/soc/1e100000.ethernet")
    for name in ("lan1", "lan2"):
        real(server, name, "platform/soc/1e100000.ethernet/mdio/sw", uevent=f"DEVTYPE=dsa\nINTERFACE={name}\n")
    assert counted(server) == ["eth0"]


def test_a_container_counts_the_interface_that_others_use(server: FixtureMachine) -> None:
    """It has no card: its eth0 is one end of a veth pair."""
    interfaces(server, "eth0", "office", "backup", "home", "net1", "lan")
    real(server, "eth0", "virtual", type="1\n", uevent="INTERFACE=eth0\nIFINDEX=2\n")
    real(server, "net1", "virtual", type="1\n", uevent="DEVTYPE=macvlan\nINTERFACE=net1\nIFINDEX=3\n")
    real(server, "office", "virtual", type="65534\n", uevent="DEVTYPE=wireguard\nINTERFACE=office\nIFINDEX=4\n")
    real(server, "backup", "virtual", type="65534\n", tun_flags="0x1001\n")
    real(server, "home", "virtual", type="778\n", uevent="INTERFACE=home\nIFINDEX=5\n")
    real(server, "lan", "virtual", type="1\n", uevent="DEVTYPE=bridge\nINTERFACE=lan\nIFINDEX=6\n")
    assert counted(server) == ["eth0", "net1"]


def test_a_rootless_container_whose_only_way_out_is_a_tap_counts_it(server: FixtureMachine) -> None:
    interfaces(server, "net0", "office")
    real(server, "net0", "virtual", type="1\n", tun_flags="0x1002\n")
    real(server, "office", "virtual", type="65534\n", uevent="DEVTYPE=wireguard\n")
    assert counted(server) == ["net0"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("uevent", "DEVTYPE=wireguard\n"),
        ("uevent", "INTERFACE=x\nDEVTYPE=bridge\nIFINDEX=7\n"),
        ("uevent", "DEVTYPE=vxlan\n"),
        ("uevent", "DEVTYPE=ppp\n"),
        ("type", "65534\n"),
        ("type", "768\n"),
        ("type", "776\n"),
        ("tun_flags", "0x1002\n"),
        ("tun_flags", "?\n"),
        ("bridge/bridge_id", "8000.0\n"),
    ],
)
def test_a_file_of_an_interface_is_enough_to_know_it(server: FixtureMachine, file: str, content: str) -> None:
    interfaces(server, "eth0", "x")
    for name in ("eth0", "x"):
        server.write(f"{NET}/{name}/operstate", "up\n")
    server.write(f"{NET}/x/{file}", content)
    assert counted(server) == ["eth0"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "wg0",
            "wg-home",
            "tun0",
            "tap0",
            "tap100i0",
            "fwbr100i0",
            "vnet3",
            "tailscale0",
            "zt5u4uplus7",
            "ppp0",
            "sit0",
        ),
        *(
            "gre0",
            "ipip0",
            "tunl0",
            "ip6tnl0",
            "vxlan.calico",
            "vxlan100",
            "br0",
            "br-lan",
            "vmbr0",
            "lxdbr0",
            "podman0",
        ),
        *("dummy0", "bond0", "team0", "nordlynx", "proton0", "eth0.10", "eth0:1", "lo"),
        *(
            "wg0-mullvad",
            "wgcf",
            "wt0",
            "tun_wg0",
            "ovpnc1",
            "ovpns2",
            "pppoe-wan",
            "l2tp-office",
            "6in4-wan",
            "xfrm0",
            "vpn_home",
        ),
        *("cilium_host", "lxc1a2b", "kube-ipvs0", "nodelocaldns", "genev_sys_6081", "antrea-gw0", "nerdctl0", "br_lan"),
        *("vlan_iot", "macvlan-host", "rmnet_data0", "qmimux0", "pflog0", "enc0", "mon0", "Npcap Loopback Adapter"),
    ],
)
def test_where_sys_is_silent_the_name_decides(name: str, server: FixtureMachine) -> None:
    server.machine.hidden_interfaces = Patterns("")
    interfaces(server, "eth0", name)
    assert counted(server) == ["eth0"]


@pytest.mark.parametrize(
    "name", ["enp3s0", "wlan0", "eno1np0", "ib0", "usb0", "wwan0", "enx001122334455", "brcm0", "lan1"]
)
def test_a_name_that_says_nothing_is_a_card(server: FixtureMachine, name: str) -> None:
    interfaces(server, "eth0", name)
    assert counted(server) == sorted(["eth0", name])


def test_a_bond_counts_if_its_ports_are_not_shown(server: FixtureMachine) -> None:
    server.machine.hidden_interfaces = Patterns("eth*")
    interfaces(server, "eth0", "eth1", "bond0", "bond0.10", "wg0")
    for name, ports in {"bond0": ("eth0", "eth1"), "bond0.10": ("bond0",)}.items():
        for port in ports:
            server.write(f"{NET}/{name}/lower_{port}/keep", "")
    assert counted(server) == ["bond0"]


def test_a_bridge_of_guests_does_not_count_though_its_ports_are_hidden(server: FixtureMachine) -> None:
    interfaces(server, "eth0", "guests")
    server.write(f"{NET}/guests/lower_veth1a2b3c4/keep", "")
    assert counted(server) == ["eth0"]


def test_the_line_says_what_the_card_moved_and_no_more(server: FixtureMachine) -> None:
    names = ("eno1", "bond0", "bond0.10", "vmbr0", "wg0")
    interfaces(server, *names)
    for name, port in {"bond0": "eno1", "bond0.10": "bond0", "vmbr0": "bond0"}.items():
        server.write(f"{NET}/{name}/lower_{port}/keep", "")
    server.prime()
    moved(server, *names, received=1000 + 100 * MIB)
    assert "| receive 10.0 MiB/s transmit 0 B/s |" in plain_line(server.sample(10)).replace("\u00a0", " ")


def test_a_mac_counts_its_cards(macos: MacOs) -> None:
    assert counted(macos) == ["en0"]


def test_windows_counts_its_cards(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("Ethernet", "Wi-Fi", "Tailscale", "vEthernet (WSL)", "OpenVPN TAP-Windows6", "WireGuard Tunnel: home")
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: dict.fromkeys(names, NetIo(1, 2, 3, 4, 0, 0, 0, 0)))
    assert counted(windows) == ["Ethernet", "Wi-Fi"]


@pytest.mark.skipif(not LINUX, reason="reads /sys")
def test_the_cards_of_this_machine_count(exporter: Exporter) -> None:
    shown = json.loads(exporter.get("/api/stats").text)["network"]["interfaces"]
    cards = {path.parent.name for path in Path("/sys/class/net").glob("*/device")}
    if not cards & {each["interface"] for each in shown}:
        pytest.skip("no card here")
    assert {each["interface"] for each in shown if not each["stacked"]} <= cards
