"""What ``serve`` says about who can reach it, and at which address."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.serving.reach import reachable
from exporter.sources.host import LINUX
from tests.machines import copy_fixture
from tests.support import COMMAND, Exporter
from tests.support_access import TLS, Authority, users
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CLIENTS = "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
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


@pytest.mark.parametrize(
    ("config", "needed"),
    [
        (TLS, "can read everything on the page"),
        (TLS + users(), "needs a password"),
        (TLS + CLIENTS, "needs a client certificate"),
        (TLS + CLIENTS + users(), "needs a password and a client certificate"),
    ],
    ids=["TLS", "password", "certificate", "both"],
)
def test_the_log_says_what_others_need(tmp_path: Path, config: str, needed: str) -> None:
    authority = Authority(tmp_path)
    authority.issue("server")
    (tmp_path / "web.yml").write_text(config)
    with serve("--host", "0.0.0.0", "--web-config", str(tmp_path / "web.yml")) as log:
        assert f"open to the network: listening on 0.0.0.0; whoever can reach it {needed}" in log


@pytest.mark.skipif(not LINUX, reason="--rootfs is for Linux containers")
def test_in_a_container_the_published_ports_decide(tmp_path: Path) -> None:
    root = copy_fixture("laptop", tmp_path)
    with Exporter("--host", "0.0.0.0", "--rootfs", str(root)) as exporter:
        pass
    assert f"status page on http://127.0.0.1:{exporter.port}, metrics on" in exporter.log
    assert "open to its container's published ports: listening on 0.0.0.0" in exporter.log
    assert "open to the network" not in exporter.log


@contextmanager
def serve(*args: str) -> Iterator[str]:
    """Yield the log up to the line after the address: asking for more would need a certificate or a password."""
    command = [*COMMAND, "serve", "--port", str(free_port()), *args]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            log = ""
            while "status page on" not in log:
                log += process.stderr.readline()
            yield log + process.stderr.readline()
        finally:
            process.terminate()
            process.communicate(timeout=15)


def test_the_log_says_nothing_of_the_kind_on_loopback() -> None:
    with Exporter() as exporter:
        pass
    assert "open to the network" not in exporter.log
