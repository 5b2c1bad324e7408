"""Errors of memory that has error correction (ECC), counted by the kernel (EDAC): /sys/devices/system/edac/mc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import listed, printable, read_int, read_text
from exporter.sources.hwmon import numbered

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 2**31
"""Errors that no memory has since boot. A register that nobody answers for says 4,294,967,295."""


@dataclass(frozen=True, slots=True)
class Module:
    """Errors of one memory module since boot, None if unknown. ``name`` is the board's, or else where it is."""

    name: str
    corrected: float | None
    uncorrected: float | None


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors since boot, all memory together, None if unknown; and the modules that have had some."""

    corrected: float | None
    uncorrected: float | None
    modules: tuple[Module, ...] = ()


def read_errors(sys: str) -> Errors:
    """Return the errors that the memory controllers have counted.

    Their counts include those of which the hardware could not say where they were (``ce_noinfo_count``).
    """
    base = f"{sys}/devices/system/edac/mc"
    places = [f"{base}/{name}" for name in numbered(base, "mc")]
    counts = [[_count(f"{place}/{kind}_count") for place in places] for kind in ("ce", "ue")]
    corrected, uncorrected = map(_sum, counts)
    modules: list[Module] = []
    if any(count != 0 for each in counts for count in each):  # hardly ever, and then it is worth the files
        found = [module for place in places for module in _modules(place)]
        modules = [module for module in found if module.corrected or module.uncorrected]
    return Errors(corrected, uncorrected, tuple(modules))


def _modules(place: str) -> Iterator[Module]:
    controller = place.rpartition("/")[2]
    for kind in ("dimm", "rank"):
        for name in numbered(place, kind):
            path = f"{place}/{name}"
            label = read_text(f"{path}/dimm_label") or f"{controller} {name}"
            yield Module(printable(label), *(_count(f"{path}/dimm_{each}_count") for each in ("ce", "ue")))
    if not numbered(place, "dimm") and not numbered(place, "rank"):  # before Linux 3.6
        for name in numbered(place, "csrow"):
            for channel in sorted(each[:-9] for each in listed(f"{place}/{name}") if each.endswith("_ce_count")):
                path = f"{place}/{name}/{channel}"
                label = read_text(f"{path}_dimm_label") or f"{controller} {name} {channel}"
                yield Module(printable(label), _count(f"{path}_ce_count"), 0)


def _count(path: str) -> float | None:
    count = read_int(path)
    return IMPOSSIBLE if count is not None and not 0 <= count < MOST else count


def _sum(counts: list[float | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
