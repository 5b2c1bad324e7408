"""The collectors, one file per subject; docs/adding-a-subject.md shows how to add one.

The order of the tuple is the order of subjects everywhere: page, terminal, window, JSON and metrics.
"""

from exporter.collectors import (
    battery,
    clock,
    cpu,
    disk,
    filesystem,
    flash,
    hardware,
    integrity,
    limits,
    memory,
    network,
    paging,
    pool,
    pressure,
    processes,
    raid,
    reboot,
    system,
    temperature,
    textfile,
)
from exporter.findings import none_yet
from exporter.model import Collector

COLLECTORS: tuple[Collector, ...] = (
    Collector("system", system.System, system.read, system.metrics, none_yet),
    Collector("reboot", reboot.Reboot, reboot.read, reboot.metrics, reboot.findings, reboot.EVERY),
    Collector("clock", clock.Clock, clock.read, clock.metrics, clock.findings),
    Collector("cpu", cpu.Cpu, cpu.read, cpu.metrics, cpu.findings),
    Collector("memory", memory.Memory, memory.read, memory.metrics, memory.findings),
    Collector("paging", paging.Paging, paging.read, paging.metrics, paging.findings),
    Collector("processes", processes.Processes, processes.read, processes.metrics, none_yet),
    Collector("filesystem", filesystem.Filesystems, filesystem.read, filesystem.metrics, filesystem.findings),
    Collector("integrity", integrity.Integrity, integrity.read, integrity.metrics, integrity.findings, every=30),
    Collector("raid", raid.Raid, raid.read, raid.metrics, raid.findings, every=30),
    Collector("pool", pool.Pools, pool.read, pool.metrics, pool.findings, every=30),
    Collector("network", network.Network, network.read, network.metrics, none_yet),
    Collector("disk", disk.Disks, disk.read, disk.metrics, disk.findings),
    Collector("textfile", textfile.Textfiles, textfile.read, textfile.metrics, textfile.findings, every=30),
    Collector("flash", flash.Flash, flash.read, flash.metrics, flash.findings, every=300),
    Collector("battery", battery.Battery, battery.read, battery.metrics, battery.findings),
    Collector("temperature", temperature.Temperatures, temperature.read, temperature.metrics, temperature.findings),
    Collector("hardware", hardware.Hardware, hardware.read, hardware.metrics, hardware.findings, every=30),
    Collector("limits", limits.Limits, limits.read, limits.metrics, limits.findings, every=limits.EVERY),
    Collector("pressure", pressure.Pressures, pressure.read, pressure.metrics, none_yet),
)
