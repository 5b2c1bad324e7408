"""The machine's identity, uptime and load."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.families import gauge, gauges
from exporter.model import hidden
from exporter.sources.attempt import attempt
from exporter.sources.host import LINUX, number, printable, read_text
from exporter.sources.names import hostname
from exporter.sources.os_release import os_release
from exporter.sources.proc_stat import read_boot_time, read_uptime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.host import Host


LONGEST_NAME = 253
"""Characters, the maximum for a full DNS name: a file with unexpected content must not flood labels and mails."""


@dataclass(frozen=True, slots=True)
class System:
    """Identity and uptime. Load averages are None on systems without them (Windows)."""

    hostname: str
    system: str
    os: str
    release: str
    machine: str
    boot_time_seconds: float | None
    uptime_seconds: float | None
    load1: float | None
    load5: float | None
    load15: float | None
    missing: tuple[str, ...] = hidden(())


def read(machine: Machine, _baseline: Snapshot | None) -> System:
    """Read /etc/hostname, /etc/os-release, /proc/uptime and /proc/loadavg on Linux, platform and psutil elsewhere."""
    host = machine.host
    missing: list[str] = []
    boot_time = attempt("boot time", lambda: read_boot_time(host) if LINUX else psutil.boot_time(), missing)
    uptime = read_uptime(host) if LINUX else None
    if uptime is None and boot_time is not None:
        uptime = time.time() - boot_time
    load1, load5, load15 = _load(host)
    return System(
        hostname=machine.settings.hostname or _name(hostname(host)),
        system=platform.system().lower(),
        os=_name(_os_name(host)),
        release=_name((LINUX and read_text(f"{host.proc}/sys/kernel/osrelease")) or platform.release()),
        machine=_name((LINUX and read_text(f"{host.proc}/sys/kernel/arch")) or platform.machine()),
        boot_time_seconds=boot_time,
        uptime_seconds=uptime,
        load1=load1,
        load5=load5,
        load15=load15,
        missing=tuple(missing),
    )


def metrics(section: System) -> Iterable[Metric]:
    """Return the identity, boot time, uptime and load families."""
    yield from gauges(
        "host_info",
        "Information about the machine in the labels; the value is always 1.",
        ("hostname", "system", "os", "release", "machine"),
        [((section.hostname, section.system, section.os, section.release, section.machine), 1)],
    )
    yield from gauge("host_boot_time_seconds", "Unix time at which the machine booted.", section.boot_time_seconds)
    yield from gauge("host_uptime_seconds", "Seconds since the machine booted.", section.uptime_seconds)
    yield from gauge("host_load1", "Runnable and blocked tasks, averaged over the last minute.", section.load1)
    yield from gauge("host_load5", "Runnable and blocked tasks, averaged over the last 5 minutes.", section.load5)
    yield from gauge("host_load15", "Runnable and blocked tasks, averaged over the last 15 minutes.", section.load15)


def _name(text: str) -> str:
    return printable(text)[:LONGEST_NAME]


def _os_name(host: Host) -> str:
    if not LINUX:
        mac = platform.mac_ver()[0]
        return f"macOS {mac}" if mac else f"{platform.system()} {platform.release()}"
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        text = read_text(host.inside(path)) or ""
        if name := os_release(text, "PRETTY_NAME") or os_release(text, "NAME"):
            return name
    return "Linux"


def _load(host: Host) -> tuple[float | None, float | None, float | None]:
    """Avoid psutil.getloadavg: it returns the container's load, and on Windows it starts a thread to emulate one."""
    if LINUX:
        # A /proc without this file (gVisor) means a machine without load averages.
        fields = (read_text(f"{host.proc}/loadavg") or "").split()
        return (number(fields[0]), number(fields[1]), number(fields[2])) if len(fields) > 2 else (None, None, None)
    try:
        return os.getloadavg()
    except (AttributeError, OSError):  # Windows has none
        return None, None, None
