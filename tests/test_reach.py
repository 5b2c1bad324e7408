"""What ``serve`` says about who can reach it, and at which address."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.serving.reach import reachable
from tests.support import Exporter

if TYPE_CHECKING:
    from collections.abc import Mapping

LAN, LAN6 = "198.51.100.7", "2001:db8:1::7"


class NoRoute:
    """A socket of a machine without a default route."""

    def __init__(self, *_: object) -> None:
        raise OSError("Network is unreachable")


def network(monkeypatch: pytest.MonkeyPatch, addresses: Mapping[socket.AddressFamily, list[str]]) -> None:
    """Give this machine these addresses and no way out."""
    found = [SimpleNamespace(family=family, address=each) for family, every in addresses.items() for each in every]
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": found})
    monkeypatch.setattr(socket, "socket", NoRoute)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "::1", "localhost"])
def test_an_address_that_was_chosen_is_the_one(host: str) -> None:
    assert reachable(host) == host


def test_all_addresses_means_the_one_in_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    v4, v6 = ["127.0.0.1", "169.254.3.3", LAN], ["::1", "fe80::1", LAN6]
    network(monkeypatch, {socket.AF_INET: v4, socket.AF_INET6: v6})
    assert reachable("0.0.0.0") == LAN
    assert reachable("::") == LAN
    network(monkeypatch, {socket.AF_INET: v4[:2], socket.AF_INET6: v6})
    assert reachable("::") == LAN6


def test_a_machine_without_a_network_is_reached_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    network(monkeypatch, {socket.AF_INET: ["127.0.0.1"], socket.AF_INET6: ["::1", "fe80::1%eth0"]})
    assert (reachable("0.0.0.0"), reachable("::")) == ("127.0.0.1", "::1")


def test_the_log_says_that_it_is_open_to_the_network() -> None:
    with Exporter("--host", "0.0.0.0") as exporter:
        pass
    address = reachable("0.0.0.0")
    assert f"status page on http://{address}:{exporter.port}, metrics on" in exporter.log
    assert "open to the network: listening on 0.0.0.0; whoever can reach it can read everything" in exporter.log


def test_the_log_says_nothing_of_the_kind_on_loopback() -> None:
    with Exporter() as exporter:
        pass
    assert "open to the network" not in exporter.log
