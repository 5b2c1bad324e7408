"""Heat, fans, voltages, and memory that loses bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from tests.tools.ways.machine import Machine


def _write(machine: Machine, folder: str, figures: dict[str, str]) -> None:
    for name, text in figures.items():
        machine.tree.write(f"{folder}/{name}", f"{text}\n")


def _cpu(machine: Machine, celsius: int = 52, alarm: int = 0) -> None:
    figures = {
        "name": "coretemp",
        "temp1_label": "Package id 0",
        "temp1_input": f"{celsius * 1000}",
        "temp1_max": "84000",
        "temp1_crit": "100000",
        "temp1_crit_alarm": f"{alarm}",
    }
    _write(machine, "sys/class/hwmon/hwmon0", figures)


def _hot(machine: Machine) -> None:
    _cpu(machine, 101, 1)


def _fan(machine: Machine, rpm: int = 1200) -> None:
    figures = {"name": "nct6775", "fan1_input": f"{rpm}", "fan1_min": "300", "fan1_alarm": f"{int(rpm < 300)}"}
    _write(machine, "sys/class/hwmon/hwmon1", figures)


def _still(machine: Machine) -> None:
    _fan(machine, 0)


def _voltage(machine: Machine, alarm: int = 0) -> None:
    _write(machine, "sys/class/hwmon/hwmon0", {"name": "rpi_volt", "in0_lcrit_alarm": f"{alarm}"})


def _low(machine: Machine) -> None:
    _voltage(machine, 1)


def _ecc(machine: Machine, lost: int = 0) -> None:
    counts = {"ce": 0, "ue": lost}
    base = "sys/devices/system/edac/mc/mc0"
    for kind, count in counts.items():
        figures = {f"{kind}_count": f"{count}", f"{kind}_noinfo_count": "0", f"csrow0/{kind}_count": f"{count}"}
        figures |= {f"dimm0/dimm_{kind}_count": f"{count}"}
        _write(machine, base, figures)
    _write(machine, base, {"mc_name": "Example", "dimm0/dimm_label": "DIMM_A1", "csrow0/ch0_ce_count": "0"})


def _lost(machine: Machine) -> None:
    _ecc(machine, 1)


WAYS = (
    Way("hot", "a processor is too hot: 101 °C", "HostTooHot", _hot, _cpu),
    Way("fan", "a fan stands still", "HostFanFailed", _still, _fan),
    Way("voltage", "undervoltage (Raspberry Pi)", "HostVoltageWrong", _low, _voltage),
    Way("ecc", "memory loses a bit that ECC cannot correct", "HostMemoryErrors", _lost, _ecc),
)
