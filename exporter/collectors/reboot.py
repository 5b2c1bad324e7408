"""Whether the machine was shut down before it booted, and whether it must be rebooted (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.families import gauge
from exporter.findings import Finding
from exporter.model import hidden
from exporter.sources.host import LINUX, read_text
from exporter.sources.proc_stat import read_boot_time, read_uptime
from exporter.sources.reboots import reboot_required, required_packages
from exporter.sources.shutdowns import last_shutdown_was_clean
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

EVERY = 60.0
"""Seconds between two looks."""
NEWS = 3600.0
"""Seconds since the boot for which it is news that the machine was not shut down; the same as in HostRebootUnclean."""

UNCLEAN = "The machine was not shut down before it booted: it crashed, was reset, or lost power"


@dataclass(frozen=True, slots=True)
class Reboot:
    """Whether a reboot is required and the packages that ask for it, and whether the last shutdown was a clean one.

    Each is None where the system does not say.
    """

    required: bool | None
    packages: tuple[str, ...]
    last_shutdown_clean: bool | None
    uptime: float | None = hidden(None)
    boot_time: float | None = hidden(None)

    def is_news(self) -> bool:
        """Return whether the machine booted a short time ago without having been shut down."""
        return self.last_shutdown_clean is False and self.uptime is not None and self.uptime < NEWS


def read(machine: Machine, baseline: Snapshot | None) -> Reboot | None:
    """Read what updates leave in /run and /boot, and the records in /var/log/wtmp; None if nothing is known."""
    if not LINUX:
        return None
    host = machine.host
    uptime = read_uptime(host)
    try:
        boot_time = read_boot_time(host)
    except OSError:  # said by the system's own collector
        boot_time = None
    before = baseline.section(Reboot) if baseline else None
    # What is known of a boot stays true, although its records move out of reach in time.
    same = before is not None and boot_time is not None and before.boot_time == boot_time
    clean = before.last_shutdown_clean if before is not None and same else None
    if clean is None:
        clean = last_shutdown_was_clean(host, boot_time)
    required = reboot_required(host, read_text(f"{host.proc}/sys/kernel/osrelease") or "", boot_time)
    if required is None and clean is None:
        return None
    return Reboot(required, required_packages(host) if required else (), clean, uptime, boot_time)


def metrics(section: Reboot) -> Iterable[Metric]:
    """Return the reboot families."""
    yield from gauge(
        "host_reboot_required",
        "1 if updates take effect only after a reboot; absent if the system does not say.",
        section.required,
    )
    yield from gauge(
        "host_last_shutdown_clean",
        "0 if the machine was not shut down before it booted; absent if its records do not say.",
        section.last_shutdown_clean,
    )


def findings(section: Reboot, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield a warning for as long as it is news that the machine was not shut down."""
    if section.is_news():
        yield Finding("HostRebootUnclean", Level.WARNING, "", reason=UNCLEAN)
