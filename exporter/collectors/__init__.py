"""What is read, one file a subject. Adding one: its module, its test, its line here."""

from exporter.collectors import (
    battery,
    cpu,
    disk,
    filesystem,
    memory,
    network,
    pressure,
    processes,
    system,
    temperature,
)
from exporter.model import Collector

COLLECTORS: tuple[Collector, ...] = (
    Collector("system", system.System, system.read, system.metrics),
    Collector("cpu", cpu.Cpu, cpu.read, cpu.metrics),
    Collector("memory", memory.Memory, memory.read, memory.metrics),
    Collector("filesystem", filesystem.Filesystems, filesystem.read, filesystem.metrics),
    Collector("disk", disk.Disks, disk.read, disk.metrics),
    Collector("network", network.Network, network.read, network.metrics),
    Collector("battery", battery.Battery, battery.read, battery.metrics),
    Collector("temperature", temperature.Temperatures, temperature.read, temperature.metrics),
    Collector("pressure", pressure.Pressures, pressure.read, pressure.metrics),
    Collector("processes", processes.Processes, processes.read, processes.metrics),
)
