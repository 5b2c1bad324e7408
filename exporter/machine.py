"""The machine that collectors read: its settings, its paths, and the sources that keep state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from exporter.settings import Patterns, Settings
from exporter.sources.filesystem_reader import FilesystemReader
from exporter.sources.filesystems import read_usage
from exporter.sources.host import LINUX, WINDOWS, Host
from exporter.sources.linux_processes import LinuxProcesses
from exporter.sources.minute import Minute
from exporter.sources.mount_table import MountTable
from exporter.sources.oom_kills import OomKills
from exporter.sources.oom_scores import OomScores
from exporter.sources.process_memory import LinuxMemory, UnknownMemory
from exporter.sources.program_memory import ProgramMemory
from exporter.sources.psutil_processes import PsutilProcesses
from exporter.sources.textfiles import TextfileReader
from exporter.sources.timex import KernelClock
from exporter.sources.topology import PhysicalCores
from exporter.sources.windows_processes import WindowsProcesses

if TYPE_CHECKING:
    from exporter.sources.filesystem_reader import Probe
    from exporter.sources.filesystems import Usage
    from exporter.sources.process_memory import MemorySource
    from exporter.sources.processes import ProcessSource
    from exporter.thresholds import Thresholds


@dataclass(slots=True)
class Machine:
    """Built once per run by ``open_machine`` and passed to every collector's ``read``."""

    settings: Settings
    thresholds: Thresholds
    host: Host
    filesystems: FilesystemReader[Usage]
    processes: ProcessSource
    program_memory: ProgramMemory
    oom_scores: OomScores
    oom_kills: OomKills
    paging: Minute
    physical_cores: PhysicalCores
    mounts: MountTable
    clock: KernelClock
    textfiles: TextfileReader
    hidden_fstypes: Patterns
    hidden_mountpoints: Patterns
    hidden_interfaces: Patterns
    hidden_disks: Patterns


def open_machine(settings: Settings, probe: Probe = read_usage) -> Machine:
    """Return the machine described by the settings. ``probe`` reads the usage of one filesystem."""
    host = Host(settings.rootfs.rstrip("/"))
    if LINUX:
        # The only way to tell psutil where /proc is; the program sets no other process-wide state.
        psutil.PROCFS_PATH = host.proc
    processes, memory = _processes(host)
    return Machine(
        settings=settings,
        thresholds=settings.thresholds(),
        host=host,
        filesystems=FilesystemReader(probe, settings.filesystem_timeout),
        processes=processes,
        program_memory=ProgramMemory(memory),
        oom_scores=OomScores(host),
        oom_kills=OomKills(),
        paging=Minute(),
        physical_cores=PhysicalCores(host),
        mounts=MountTable(host),
        clock=KernelClock(),
        textfiles=TextfileReader(host, settings.textfile_dir, settings.filesystem_timeout),
        hidden_fstypes=Patterns(settings.exclude_fstypes),
        hidden_mountpoints=Patterns(settings.exclude_mountpoints),
        hidden_interfaces=Patterns(settings.exclude_interfaces),
        hidden_disks=Patterns(settings.exclude_disks),
    )


def _processes(host: Host) -> tuple[ProcessSource, MemorySource]:
    if LINUX:
        return LinuxProcesses(host), LinuxMemory(host)
    if WINDOWS:
        table = WindowsProcesses()
        return table, table
    return PsutilProcesses(), UnknownMemory()
