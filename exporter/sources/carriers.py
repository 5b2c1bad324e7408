"""Which network interfaces pass their traffic on to another one, which counts it as well.

What leaves a machine leaves it through a card, so beside a card nothing virtual counts: no bond, bridge or VLAN, no
tunnel, no tap of a guest. A container has no card; there, the interface counts that is closest to one.
"""

from __future__ import annotations

import os
import re
from enum import IntEnum
from fnmatch import translate
from string import digits
from typing import TYPE_CHECKING

from exporter.sources.host import read_text

if TYPE_CHECKING:
    from collections.abc import Collection


class Layer(IntEnum):
    """How far from the wire an interface is."""

    CARD = 0
    PEER = 1
    SWITCH = 2
    TUNNEL = 3


PORTS = "lower_"
"""Prefix of the links in /sys/class/net/NAME to the interfaces that it is built on: a bond's ports, a VLAN's card."""

_DEVTYPES = {
    "wlan": Layer.CARD,
    "wwan": Layer.CARD,
    "gadget": Layer.CARD,
    "bond": Layer.PEER,
    "vlan": Layer.PEER,
    "macvlan": Layer.PEER,
    "bridge": Layer.SWITCH,
    "vxlan": Layer.TUNNEL,
    "geneve": Layer.TUNNEL,
    "wireguard": Layer.TUNNEL,
    "ovpn": Layer.TUNNEL,
    "ppp": Layer.TUNNEL,
    "gtp": Layer.TUNNEL,
    "bareudp": Layer.TUNNEL,
}
"""DEVTYPE in the uevent file, as the drivers set it."""

_SWITCH_PORT = "DEVTYPE=dsa"
"""A port of the switch in a router: all its traffic passes through the card that the switch is on."""

_HARDWARE_TYPES = {
    "512": Layer.TUNNEL,  # ARPHRD_PPP
    "768": Layer.TUNNEL,  # TUNNEL: IP in IP
    "769": Layer.TUNNEL,  # TUNNEL6
    "776": Layer.TUNNEL,  # SIT: IPv6 in IPv4
    "778": Layer.TUNNEL,  # IPGRE
    "823": Layer.TUNNEL,  # IP6GRE
    "65534": Layer.TUNNEL,  # NONE: tun, WireGuard
    "772": Layer.SWITCH,  # LOOPBACK
    "824": Layer.SWITCH,  # NETLINK: nlmon
}
"""The type file (if_arp.h), for drivers that set no DEVTYPE."""

_TAP = 0x2

_NAMES = {
    Layer.PEER: "bond team lagg vlan vlan[-_]* macvlan macvlan[-_]* macvtap ipvlan veth* epair* lxc* azv* qmimux "
    "rmnet_data",
    Layer.SWITCH: "br br[-_]* vmbr virbr* virtbr* lxdbr lxcbr incusbr mpqemubr bridge docker podman nerdctl cni "
    "ovs-* tap tap*i* fwbr* fwpr* fwln* vnet vmnet vmenet feth cilium_* kube-* nodelocaldns weave "
    "datapath antrea-* dummy ifb imq nlmon mon mon.* wlan*mon pflog pfsync lo vEthernet* VMware?* "
    "VirtualBox?* Loopback?* Npcap?*",
    Layer.TUNNEL: "tun tun[-_]* *-tun tunnel utun wg wg-* wg[a-z] wgcf ppp pppoe-* ipsec cipsec xfrm enc gif stf "
    "sit gre gretap ip6gre erspan ipip tunl ip6tnl ip_vti ip6_vti vti 6in4-* 6rd-* l2tp l2tp-* vxlan "
    "vxlan?* vxlan_sys_ geneve genev_sys_ tailscale* zt???????* nebula netbird wt ham ovpn* vpn "
    "vpn[-_]* *[-_]vpn cscotun gpd nordlynx* nordtun proton* mullvad* *-mullvad CloudflareWARP "
    "WireGuard* OpenVPN* ZeroTier* *TAP-* Teredo* isatap* 6TO4*",
}
"""Names that kernels, hypervisors and VPN programs give, without the number at the end. They decide only where the
system says no more than the name."""

_BY_NAME = [
    (layer, re.compile("|".join(map(translate, names.split())), re.IGNORECASE).match) for layer, names in _NAMES.items()
]


def carried(names: Collection[str], folder: str | None) -> frozenset[str]:
    """Return those of the interfaces whose traffic another one of them counts as well.

    ``folder`` is the machine's /sys/class/net, None on systems other than Linux.
    """
    shown = set(names)
    entries = {name: _entries(folder, name) for name in names}
    below = {name: {each.removeprefix(PORTS) for each in entries[name] if each.startswith(PORTS)} for name in names}
    stacked = {name for name in names if (below[name] | {_parent(name)}) & (shown - {name})}
    layers = {name: _layer(folder, name, entries[name]) for name in names if name not in stacked}
    wire = min(layers.values(), default=Layer.CARD)
    return frozenset(stacked | {name for name, layer in layers.items() if layer > wire})


def is_tap(folder: str) -> bool:
    """Return whether an interface belongs to a program (tun or tap), as /sys/class/net/NAME says."""
    return os.path.exists(f"{folder}/tun_flags")


def _entries(folder: str | None, name: str) -> list[str]:
    try:
        return os.listdir(f"{folder}/{name}") if folder else []
    except OSError:
        return []


def _parent(name: str) -> str:
    """Return the name before a VLAN's or an alias' number: "eth0" for "eth0.10" and "eth0:1"."""
    parent, _, number = name.replace(":", ".").rpartition(".")
    return parent if number.isdecimal() else ""


def _layer(folder: str | None, name: str, entries: Collection[str]) -> Layer:
    place = _target(f"{folder}/{name}") if entries else ""
    virtual = "/virtual/net/" in place
    if "uevent" in entries and _SWITCH_PORT in (read_text(f"{folder}/{name}/uevent") or "").splitlines():
        return Layer.PEER
    if (place and not virtual) or "device" in entries:
        return Layer.CARD
    found = _told(f"{folder}/{name}", entries) if entries else None
    if found is None:
        found = next((layer for layer, match in _BY_NAME if match(name.rstrip(digits)) or match(name)), None)
    if found is None:
        found = Layer.PEER if virtual or any(each.startswith(PORTS) for each in entries) else Layer.CARD
    return found


def _told(folder: str, entries: Collection[str]) -> Layer | None:
    """Return the layer according to the interface's own files, None if they do not say."""
    if "tun_flags" in entries:
        try:
            return Layer.SWITCH if int((read_text(f"{folder}/tun_flags") or "")[:10], 16) & _TAP else Layer.TUNNEL
        except ValueError:
            return Layer.TUNNEL
    if "bridge" in entries:
        return Layer.SWITCH
    for line in (read_text(f"{folder}/uevent") or "").splitlines():
        if (kind := line.removeprefix("DEVTYPE=")) != line and kind in _DEVTYPES:
            return _DEVTYPES[kind]
    return _HARDWARE_TYPES.get(read_text(f"{folder}/type") or "")


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
