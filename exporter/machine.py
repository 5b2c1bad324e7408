"""The machine that collectors read: its settings, its paths, and the sources that remember something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.settings import Patterns, Settings
from exporter.sources.filesystems import FilesystemReader, read_usage
from exporter.sources.host import LINUX, Host
from exporter.sources.linux_processes import LinuxProcesses
from exporter.sources.mounts import MountTable
from exporter.sources.psutil_processes import PsutilProcesses
from exporter.sources.topology import PhysicalCores

if TYPE_CHECKING:
    from exporter.sources.filesystems import Probe
    from exporter.sources.processes import ProcessSource
    from exporter.thresholds import Thresholds


@dataclass(slots=True)
class Machine:
    """Built once a run by ``open_machine``; handed to every collector's ``read``."""

    settings: Settings
    thresholds: Thresholds
    host: Host
    filesystems: FilesystemReader
    processes: ProcessSource
    physical_cores: PhysicalCores
    mounts: MountTable
    hidden_fstypes: Patterns
    hidden_mountpoints: Patterns
    hidden_interfaces: Patterns
    hidden_disks: Patterns


def open_machine(settings: Settings, probe: Probe = read_usage) -> Machine:
    """Return the machine that the settings name. ``probe`` asks one filesystem for its figures."""
    host = Host(settings.rootfs.rstrip("/"))
    if LINUX:
        # psutil's only way to be told where /proc is; nothing else in the program is set for the process.
        psutil.PROCFS_PATH = host.proc
    return Machine(
        settings=settings,
        thresholds=settings.thresholds(),
        host=host,
        filesystems=FilesystemReader(probe, settings.filesystem_timeout),
        processes=LinuxProcesses(host) if LINUX else PsutilProcesses(),
        physical_cores=PhysicalCores(host),
        mounts=MountTable(host),
        hidden_fstypes=Patterns(settings.exclude_fstypes),
        hidden_mountpoints=Patterns(settings.exclude_mountpoints),
        hidden_interfaces=Patterns(settings.exclude_interfaces),
        hidden_disks=Patterns(settings.exclude_disks),
    )
