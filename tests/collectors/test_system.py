"""The machine's identity, uptime and load."""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter.collectors.processes import Processes
from exporter.collectors.system import System
from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows
    from tests.support import Exporter


def test_the_laptop_shows_its_names_and_times(laptop: FixtureMachine) -> None:
    assert laptop.read(System) == System(
        hostname="aspen",
        system="linux",
        os="Debian GNU/Linux 13 (trixie)",
        release="6.12.9-amd64",
        machine="x86_64",
        boot_time_seconds=1767225600.0,
        uptime_seconds=12345.67,
        load1=0.52,
        load5=0.58,
        load15=0.59,
    )


def test_a_minimal_machine_has_no_name_and_no_load_averages(server: FixtureMachine) -> None:
    system = server.read(System)
    assert (system.hostname, system.os) == ("unknown", "Alpine")
    assert (system.load1, system.load5, system.load15) == (None, None, None)
    assert not {"host_load1", "host_load5", "host_load15"} & server.exposition().names()


def test_a_machine_without_any_name_is_unknown(server: FixtureMachine) -> None:
    server.remove("proc/sys/kernel/hostname")
    server.remove("usr/lib/os-release")
    assert (server.read(System).hostname, server.read(System).os) == ("unknown", "Linux")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("# comment\n\n  oak.example  \n", "oak.example"),
        ("\n", "unknown"),
        (b"caf\xe9\n", "caf\N{REPLACEMENT CHARACTER}"),
        ("oak\x1b[31m\n", "oak?[31m"),
    ],
)
def test_the_hostname_is_the_first_line_with_a_name_and_always_printable(
    laptop: FixtureMachine, content: str | bytes, name: str
) -> None:
    laptop.write("etc/hostname", content)
    assert laptop.read(System).hostname == name


def test_links_of_the_host_do_not_lead_into_the_container(laptop: FixtureMachine) -> None:
    """NixOS has such links; followed inside the container, they lead to its own files or nowhere."""
    for name in ("hostname", "os-release", "passwd"):
        laptop.path("etc/static").mkdir(exist_ok=True)
        laptop.path(f"etc/{name}").rename(laptop.path(f"etc/static/{name}"))
        laptop.path(f"etc/{name}").symlink_to(f"/etc/static/{name}")
    system, processes = laptop.read(System), laptop.read(Processes)
    assert (system.hostname, system.os) == ("aspen", "Debian GNU/Linux 13 (trixie)")
    assert "ann" in {process.user for process in processes.processes}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("PRETTY_NAME='Arch Linux'\n", "Arch Linux"),
        ('\ufeffPRETTY_NAME="Arch Linux"\n', "Arch Linux"),
        ("NAME=Void\nnonsense\n", "Void"),
        ('PRETTY_NAME=""\nNAME="Alpine Linux"\n', "Alpine Linux"),
        ('PRETTY_NAME=" "\nNAME=Alpine\n', "Alpine"),
        ('NAME="Alpine Linux"\nPRETTY_NAME="Alpine Linux v3.22"\n', "Alpine Linux v3.22"),
        ('# PRETTY_NAME="Not this"\nPRETTY_NAME="Foo \\"Bar\\" \\$5 \\\\ \\`x\\` \\n"\n', 'Foo "Bar" $5 \\ `x` \\n'),
        ("PRETTY_NAME='Foo \\\"Bar'\n", 'Foo \\"Bar'),
        ("PRETTY_NAME='It'\\''s'\" Linux\"  # the name\n", "It's Linux"),
        ("  PRETTY_NAME=Clear\\ Linux\r\n", "Clear Linux"),
        ("PRETTY_NAME=a=b\n", "a=b"),
        ("PRETTY_NAME=Void Linux\n", "Void Linux"),
        ('PRETTY_NAME="Void Linux\n', "Void Linux"),
        ("PRETTY_NAME=first\nPRETTY_NAME=last\n", "last"),
        ("PRETTY NAME=x\nID=y\n", "Linux"),
    ],
)
def test_os_release_is_read_as_a_shell_would_and_may_hold_nonsense(
    laptop: FixtureMachine, content: str, name: str
) -> None:
    laptop.write("etc/os-release", content)
    assert laptop.read(System).os == name


def test_an_os_release_without_a_name_leaves_it_to_the_other(laptop: FixtureMachine) -> None:
    laptop.write("etc/os-release", "ID=site\n")
    laptop.write("usr/lib/os-release", "NAME=Fedora\n")
    assert laptop.read(System).os == "Fedora"


@pytest.mark.parametrize(
    ("lines", "said"), [("cpu 1 2 3 4\nctxt 5\n", "no boot time: {}/proc/stat does not say"), (None, None)]
)
def test_a_machine_that_does_not_say_when_it_booted_lacks_that_alone(
    laptop: FixtureMachine, lines: str | None, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    whole = laptop.read(System)
    if lines is None:
        laptop.remove("proc/stat")
    else:
        laptop.write("proc/stat", lines)
    snapshot = laptop.sample()
    assert snapshot.section(System) == replace(whole, boot_time_seconds=None)
    assert laptop.exposition(snapshot).value("host_exporter_values_dropped_total", collector="system") == 1
    logged = [record.getMessage() for record in caplog.records if "collector system" in record.getMessage()]
    assert len(logged) == 1
    assert said is None or logged == [f"collector system: {said.format(laptop.root)}"]


def test_a_boot_time_that_is_nonsense_is_unknown_and_so_is_an_uptime(laptop: FixtureMachine) -> None:
    whole = laptop.read(System)
    laptop.write("proc/stat", laptop.path("proc/stat").read_text().replace("btime 1767225600", "btime soon"))
    laptop.write("proc/uptime", "long 1\n")
    assert laptop.read(System) == replace(whole, boot_time_seconds=None, uptime_seconds=None)


def test_the_uptime_follows_from_the_boot_time_where_there_is_no_such_file(laptop: FixtureMachine) -> None:
    laptop.remove("proc/uptime")
    laptop.write("proc/stat", f"cpu 1 2 3 4\nbtime {time.time() - 500:.0f}\n")
    assert laptop.read(System).uptime_seconds == pytest.approx(500, abs=5)


@pytest.mark.parametrize("booted", [RuntimeError("no such call"), OSError(1, "Operation not permitted"), 4e9])
def test_a_boot_time_that_macos_does_not_tell_costs_uptime_and_nothing_else(
    macos: MacOs, booted: Exception | float
) -> None:
    def boot_time() -> float:
        if isinstance(booted, Exception):
            raise booted
        return booted

    macos.patch.setattr(psutil, "boot_time", boot_time)
    system = macos.read(System)
    assert (system.system, system.load1, system.uptime_seconds) == ("darwin", 1.5, None)


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_live_uptime_and_load_are_those_of_proc(exporter: Exporter) -> None:
    before = float(Path("/proc/uptime").read_text().split()[0])
    samples = exporter.samples()
    after = float(Path("/proc/uptime").read_text().split()[0])
    uptime = samples.value("host_uptime_seconds")
    # The sample may be a second old when it is served.
    assert uptime is not None
    assert before - 1.5 <= uptime <= after
    boot = samples.value("host_boot_time_seconds")
    assert boot is not None
    assert abs(time.time() - boot - after) < 5
    assert samples.value("host_info", hostname=platform.node(), release=platform.release(), system="linux") == 1
    load15 = samples.value("host_load15")
    assert load15 is not None
    assert abs(load15 - float(Path("/proc/loadavg").read_text().split()[2])) < 0.5


def test_windows_has_no_load_average(windows: Windows) -> None:
    system = windows.read(System)
    assert (system.system, system.os, system.hostname) == ("windows", "Windows 11", "DESKTOP-7")
    assert (system.release, system.machine) == ("11", "AMD64")
    assert system.uptime_seconds == pytest.approx(3600, abs=5)
    assert not {"host_load1", "host_load5", "host_load15"} & windows.exposition().names()


def test_macos_has_a_load_average_and_its_own_version(macos: MacOs) -> None:
    system = macos.read(System)
    assert (system.system, system.os, system.load1, system.load15) == ("darwin", "macOS 15.6", 1.5, 1.0)


@pytest.mark.parametrize(
    ("path", "content"),
    [("uptime", "nan 1"), ("loadavg", "0.1 inf 0.1 1/2 3"), ("uptime", "-5 1"), ("loadavg", "0.1 load 0.1 1/2 3")],
)
def test_an_impossible_number_costs_itself_alone(server: FixtureMachine, path: str, content: str) -> None:
    """JSON has no NaN, and the page cannot format an infinite duration: both used to cause a 500."""
    server.write(f"proc/{path}", content)
    snapshot = server.sample()
    assert not snapshot.failures()
    system = snapshot.section(System)
    assert system is not None
    assert (system.uptime_seconds is None) == (path == "uptime")
    assert (system.load1, system.load5, system.load15) == ((0.1, None, 0.1) if path == "loadavg" else (None,) * 3)
    assert system.boot_time_seconds is not None
    assert {reading.collector: reading.dropped for reading in snapshot.readings}["system"] == 1


def test_a_hostname_is_never_longer_than_dns_allows(server: FixtureMachine) -> None:
    server.write("etc/hostname", "x" * 100_000)
    assert len(server.read(System).hostname) == 253
