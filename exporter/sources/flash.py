"""Wear of built-in flash on Linux: eMMC and some SD cards, /sys/class/block/mmcblk*/device."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.plausible import IMPOSSIBLE
from exporter.sources.host import listed, read_text

KINDS = ("a", "b")
"""The two kinds of cells of an eMMC (JESD84-B51): most makers mean SLC by type A, and MLC, the larger part, by B."""
STEPS, EXCEEDED = 10, 11
NORMAL, NEAR, URGENT = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Chip:
    """One device: its wear by kind of cells, and whether it says that its reserve is nearly used up; None if unknown.

    Wear comes in steps of 10 %: 0.3 is 20 to 30 % of the writes that the maker promises, and 1 is 90 % or more.
    """

    device: str
    wear_a_ratio: float | None
    wear_b_ratio: float | None
    end_of_life: bool | None

    def wear_ratio(self) -> float | None:
        """Return the wear of the cells that are worn most, None if unknown."""
        return max((each for each in (self.wear_a_ratio, self.wear_b_ratio) if each is not None), default=None)


def read_flash(sys: str) -> tuple[Chip, ...]:
    """Return the devices that report their wear, sorted by name; ``sys`` is the path of /sys."""
    # Partitions and the boot areas (mmcblk0p1, mmcblk0boot0) are parts of a device that is there itself.
    found = (
        _chip(name, f"{sys}/class/block/{name}/device") for name in listed(f"{sys}/class/block") if _is_whole(name)
    )
    return tuple(chip for chip in found if chip is not None)


def _is_whole(name: str) -> bool:
    return name.startswith("mmcblk") and name[6:].isdecimal()


def _chip(name: str, folder: str) -> Chip | None:
    wear = [_wear(part) for part in (read_text(f"{folder}/life_time") or "").split()[: len(KINDS)]]
    wear += [None] * (len(KINDS) - len(wear))
    state = _hex(read_text(f"{folder}/pre_eol_info") or "")
    end = {NORMAL: False, NEAR: True, URGENT: True}.get(state)
    if wear == [None, None] and end is None:
        return None
    return Chip(name, wear[0], wear[1], end)


def _wear(text: str) -> float | None:
    """Return the upper end of the step that a register names: 0x01 is 0 to 10 %. None if it is not defined (0x00)."""
    step = _hex(text)
    if step == 0:
        return None
    return min(step, STEPS) / STEPS if 0 < step <= EXCEEDED else IMPOSSIBLE


def _hex(text: str) -> int:
    """Return a number such as "0x03", -1 for anything else."""
    try:
        return int(text, 16) if text.isascii() and len(text) <= 10 else -1
    except ValueError:
        return -1
