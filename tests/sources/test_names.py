"""Which names are the machine's own."""

from __future__ import annotations

import platform
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.sources import names
from exporter.sources.host import LINUX, Host
from exporter.sources.names import hostname, machine_names

if TYPE_CHECKING:
    from pathlib import Path


def machine(folder: Path, **files: str) -> Host:
    """Return a machine below a rootfs with these files in /etc."""
    (folder / "etc").mkdir()
    for name, text in files.items():
        (folder / "etc" / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return Host(str(folder))


def test_the_hostname_and_its_full_names_in_hosts(tmp_path: Path) -> None:
    hosts = (
        "# 127.0.1.1 commented.example.org web-01\n"
        "\n"
        "127.0.0.1\tlocalhost localhost.localdomain  # web-01\n"
        "127.0.1.1\tWeb-01.Example.org. web-01\n"
        "192.0.2.9 web-02.example.org web-02\n"
        "garbage\n"
    )
    found = machine_names(machine(tmp_path, hostname="# a comment\nWEB-01\n", hosts=hosts))
    assert found == {"web-01", "web-01.example.org"}


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1", "::", "::1", "198.51.100.7"])
def test_names_on_a_block_list_are_not_the_machines(tmp_path: Path, address: str) -> None:
    hosts = f"127.0.0.1 localhost web-01\n0.0.0.0 0.0.0.0\n{address} ads.example tracker.example\n"
    assert not {"ads.example", "tracker.example"} & machine_names(machine(tmp_path, hostname="web-01", hosts=hosts))


def test_a_long_block_list_is_not_read_to_its_end(tmp_path: Path) -> None:
    hosts = "127.0.1.1 web-01.example.org web-01\n" + "0.0.0.0 ads.example\n" * 50_000 + "127.0.1.1 late web-01\n"
    found = machine_names(machine(tmp_path, hostname="web-01", hosts=hosts))
    assert "web-01.example.org" in found
    assert "late" not in found


def test_the_hostname_in_the_domains_that_are_searched(tmp_path: Path) -> None:
    resolver = (
        "# search commented.example\nnameserver 192.0.2.1\nsearch Example.org example.net. .\ndomain example.com\n"
    )
    found = machine_names(machine(tmp_path, hostname="web-01.example.edu", resolv_conf=resolver))
    ends = ("edu", "org", "net", "com")
    assert found == {"web-01", *(f"web-01.example.{end}" for end in ends)}


def test_names_that_are_given_count_and_a_machine_without_files_has_no_others(tmp_path: Path) -> None:
    assert machine_names(machine(tmp_path), ["NAS.example.org", ""]) == {"unknown", "nas", "nas.example.org"}


def test_undecodable_files_are_no_error(tmp_path: Path) -> None:
    host = machine(tmp_path, hostname="web-01")
    for name in ("hosts", "resolv.conf"):
        (tmp_path / "etc" / name).write_bytes(b"\xff\xfe web-01\0\n\x85search \xff\n")
    assert "web-01" in machine_names(host)


@pytest.mark.skipif(not LINUX, reason="--rootfs is for Linux containers")
def test_below_a_rootfs_links_lead_to_the_machines_own_files(tmp_path: Path) -> None:
    host = machine(tmp_path, hostname="web-01")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/resolv.conf").write_text("search example.org\n")
    (tmp_path / "etc/resolv.conf").symlink_to("/run/resolv.conf")
    assert "web-01.example.org" in machine_names(host)


def test_without_a_rootfs_it_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name beside an address in the network is the machine's; beside a loopback address it may be on a block list."""
    monkeypatch.setattr(platform, "node", lambda: "web-01")
    addresses = ["127.0.0.1", "192.0.2.7", "fe80::7%eth0", "2001:DB8::7", "00:00:5e:00:53:01"]
    found = [SimpleNamespace(family=socket.AF_INET, address=address) for address in addresses]
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": found})
    hosts = b"192.0.2.7 a.example.org\n2001:db8::7 b.example.org\n127.0.0.1 c.example.org\n192.0.2.8 d.example.org\n"
    monkeypatch.setattr(names, "read_bytes", lambda *_: hosts)
    monkeypatch.setattr(names, "read_text", lambda _: "search example.net")
    assert machine_names(Host()) == {"web-01", "web-01.example.net", "a.example.org", "b.example.org"}
    assert hostname(Host()) == "web-01"


def test_interfaces_that_cannot_be_listed_cost_only_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, "net_if_addrs", refused)
    assert platform.node().lower() in machine_names(Host())


def test_no_name_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object, **__: object) -> None:
        raise AssertionError("a name server was asked")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getfqdn", "getnameinfo"):
        monkeypatch.setattr(socket, name, ask)
    assert machine_names(Host())
