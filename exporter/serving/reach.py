"""Who can reach a server by the address that it listens on, and at which address."""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address

import psutil

from exporter.address import is_loopback

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""How this machine reaches itself if the server listens on all addresses."""

# Documentation addresses (RFC 5737, RFC 3849): they are in no network of ours, so the way to them is the default route.
_ANYWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def reachable(host: str) -> str:
    """Return the address at which other machines reach a server bound to ``host``, or at least this one."""
    if host not in LOOPBACK:
        return host
    # cheroot makes "::" listen on IPv4 as well.
    families = (socket.AF_INET, socket.AF_INET6) if host == "::" else (socket.AF_INET,)
    for find in (_by_route, _by_interface):
        for family in families:
            if found := find(family):
                return found
    return LOOPBACK[host]


def _by_route(family: socket.AddressFamily) -> str:
    """Return our address towards the rest of the world, empty if there is no way to it. Nothing is sent."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_ANYWHERE[family], 9))
        return str(probe.getsockname()[0])
    return ""


def _by_interface(family: socket.AddressFamily) -> str:
    """Return any address of ours in a network, empty if there is none."""
    with suppress(OSError):
        for addresses in psutil.net_if_addrs().values():
            for each in addresses:
                if each.family == family and not is_loopback(each.address) and not _is_link_local(each.address):
                    return str(each.address)
    return ""


def _is_link_local(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_link_local
