"""The names of the monitored machine, from what the machine itself knows.

No name server is asked: it could hang, and about a name that a page has rebound to this machine it repeats what the
attacker says.
"""

from __future__ import annotations

import platform
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING

import psutil

from exporter.sources.host import read_bytes, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.sources.host import Host

MOST = 256 * 1024
"""Bytes to read of /etc/hosts: some hold a block list of several MB, after the machine's own lines."""

LIBRARY = "kernel32"
DNS_FULLY_QUALIFIED = 3
"""COMPUTER_NAME_FORMAT of GetComputerNameExW (sysinfoapi.h): the name with its domain."""


def hostname(host: Host) -> str:
    """Return the machine's hostname, "unknown" if it has none: /etc/hostname below ``--rootfs``, else the system's."""
    if not host.rootfs:
        return platform.node() or "unknown"
    for line in (read_text(host.inside("/etc/hostname")) or "").splitlines():
        if line.strip() and not line.startswith("#"):
            return line.strip()
    # Not /proc/sys/kernel/hostname: inside a container that is the container's own. --hostname can set the name.
    return "unknown"


def machine_names(host: Host, given: Iterable[str] = ()) -> frozenset[str]:
    """Return the machine's names in lower case: those ``given``, its hostname, and what that is called in full.

    The full names are those beside the hostname, or beside an address of the machine's network interfaces, in
    /etc/hosts, and the hostname in the domains that /etc/resolv.conf searches.
    """
    own = {name.lower() for name in (hostname(host), _windows_name(), *given) if name}
    own |= {name.partition(".")[0] for name in own}
    hosts = (read_bytes(host.inside("/etc/hosts"), MOST) or b"").decode(errors="replace").lower()
    resolver = (read_text(host.inside("/etc/resolv.conf")) or "").lower()
    domains = set(_search_domains(resolver))
    full = {f"{name}.{domain}" for name in own if "." not in name for domain in domains}
    return frozenset(own | full | set(_names_in_hosts(hosts, own, _addresses(host))))


def _names_in_hosts(text: str, own: set[str], addresses: set[str]) -> Iterator[str]:
    """Yield the names in the lines about this machine.

    Not those of every loopback address: block lists give it to the names of strangers.
    """
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if address in addresses or not own.isdisjoint(names):
            yield from (name.removesuffix(".") for name in names)


def _addresses(host: Host) -> set[str]:
    """Return the addresses of the machine's interfaces, without loopback; none below ``--rootfs``, which has others."""
    if host.rootfs:
        return set()
    try:
        found = [each.address for every in psutil.net_if_addrs().values() for each in every]
    except OSError:
        return set()
    return {address.lower() for address in found if _is_outward(address)}


def _is_outward(address: str) -> bool:
    try:
        return not ip_address(address.partition("%")[0]).is_loopback
    except ValueError:  # a MAC address
        return False


def _search_domains(text: str) -> Iterator[str]:
    for line in text.splitlines():
        word, *domains = line.split() or [""]
        if word in {"search", "domain"}:
            yield from filter(None, (domain.strip(".") for domain in domains))


def _windows_name() -> str:
    """Return the name with the domain that this computer has joined; empty on other systems."""
    if sys.platform != "win32":
        return ""
    import ctypes  # noqa: PLC0415

    buffer, size = ctypes.create_unicode_buffer(256), ctypes.c_ulong(256)
    found = ctypes.WinDLL(LIBRARY).GetComputerNameExW(DNS_FULLY_QUALIFIED, buffer, ctypes.byref(size))
    return buffer.value if found else ""
