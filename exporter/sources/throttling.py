"""How often processors have slowed down because of heat (Linux on Intel): thermal_throttle of each CPU."""

from __future__ import annotations

from typing import NamedTuple

from exporter.sources.host import read_int, read_text
from exporter.sources.hwmon import numbered


class Throttles(NamedTuple):
    """Times since boot, all cores or all packages together; None if the kernel does not count them."""

    core: int | None = None
    package: int | None = None


def read_throttles(sys: str) -> Throttles:
    """Return the counts, each core's and each package's once.

    Every thread counts for itself what happened to its core and to its package. One that was off meanwhile counts less.
    """
    base = f"{sys}/devices/system/cpu"
    cores: dict[object, int] = {}
    packages: dict[object, int] = {}
    for folder in numbered(base, "cpu"):
        counts = f"{base}/{folder}/thermal_throttle"
        core, package = (read_int(f"{counts}/{name}_throttle_count") for name in ("core", "package"))
        topology = f"{base}/{folder}/topology"
        if core is not None:
            which = _core(topology) or folder
            cores[which] = max(cores.get(which, 0), core)
        if package is not None:
            of = (read_int(f"{topology}/physical_package_id"), read_int(f"{topology}/die_id"))
            packages[of] = max(packages.get(of, 0), package)
        if core is None and package is None and not cores and not packages:
            break  # nothing counts them here, and there may be hundreds
    return Throttles(sum(cores.values()) if cores else None, sum(packages.values()) if packages else None)


def _core(topology: str) -> object:
    """Return what is equal for the threads of one core, None if the system does not say."""
    if threads := read_text(f"{topology}/core_cpus_list") or read_text(f"{topology}/thread_siblings_list"):
        return threads
    ids = tuple(read_int(f"{topology}/{name}_id") for name in ("physical_package", "die", "core"))
    return ids if ids[-1] is not None else None
