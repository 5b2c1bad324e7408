"""The usual ones: no CPU, memory or room left, a battery that runs out, a machine that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support_faults import MIB, filesystem, fill, use_up_inodes
from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from tests.tools.ways.machine import Machine


def _busy(machine: Machine) -> None:
    machine.life.busy = 0.98


def _memory(machine: Machine) -> None:
    machine.tree.memory(0.04)


def _data(machine: Machine, *make: str) -> None:
    """Give a machine a second filesystem, /data."""
    mounted = filesystem(machine.folder / "data", machine.tree.root / "data", megabytes=128, make=make)
    machine.stack.enter_context(mounted)


def _full(machine: Machine) -> None:
    fill(machine.tree.root / "data", leave=MIB)


def _inodes(machine: Machine) -> None:
    use_up_inodes(machine.tree.root / "data", leave=20)


def _battery(machine: Machine, charge: int = 80, status: str = "Full", online: int = 1) -> None:
    folder = "sys/class/power_supply"
    machine.tree.write(f"{folder}/AC/type", "Mains\n")
    machine.tree.write(f"{folder}/AC/online", f"{online}\n")
    figures = {
        "type": "Battery",
        "present": "1",
        "status": status,
        "capacity": f"{charge}",
        "energy_full": "50000000",
        "energy_now": f"{charge * 500000}",
        "power_now": "10000000",
    }
    for name, text in figures.items():
        machine.tree.write(f"{folder}/BAT0/{name}", f"{text}\n")


def _unplugged(machine: Machine) -> None:
    _battery(machine, 9, "Discharging", 0)


WAYS = (
    Way("cpu", "one program takes all the CPU time", "HostHighCpu", _busy),
    Way("memory", "memory about to run out: 96 % used", "HostHighMemory", _memory),
    Way("full", "a filesystem is full", "HostFilesystemFull", _full, _data, real=True),
    Way(
        "inodes",
        "no inodes left",
        "HostInodesLow",
        _inodes,
        lambda machine: _data(machine, "-N", "1024"),
        real=True,
    ),
    Way("battery", "on battery, 9 % left", "HostBatteryLow", _unplugged, _battery),
    Way("gone", "machine gone: no power, no network", "HostExporterDown", lambda machine: machine.die(), real=True),
)
