"""Wear of built-in flash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors.flash import Flash
from exporter.sources.flash import Chip
from exporter.thresholds import Level

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows

DEVICE = "sys/class/block/mmcblk0/device"
KEPT = 301.0


def test_wear_is_the_upper_end_of_its_step_by_kind_of_cells(laptop: FixtureMachine) -> None:
    assert laptop.read(Flash).devices == (Chip("mmcblk0", 0.1, 0.2, end_of_life=False),)


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        ("0x0a 0x0b\n", (1.0, 1.0)),
        ("0x00 0x01\n", (None, 0.1)),
        ("0x0c 0xff\n", (None, None)),
        ("0x03\n", (0.3, None)),
        ("nonsense -0x1\n", (None, None)),
        ("", (None, None)),
    ],
    ids=repr,
)
def test_what_is_not_defined_is_absent(
    laptop: FixtureMachine, life: str, expected: tuple[float | None, float | None]
) -> None:
    laptop.write(f"{DEVICE}/life_time", life)
    (chip,) = laptop.read(Flash).devices
    assert (chip.wear_a_ratio, chip.wear_b_ratio) == expected


@pytest.mark.parametrize(("info", "end"), [("0x01", 0), ("0x02", 1), ("0x03", 1), ("0x00", None), ("?", None)])
def test_the_end_of_its_life_is_what_the_device_says(laptop: FixtureMachine, info: str, end: int | None) -> None:
    laptop.write(f"{DEVICE}/pre_eol_info", info)
    samples = laptop.exposition()
    assert (samples.value("host_flash_end_of_life", device="mmcblk0") if end is not None else None) == end
    assert end is not None or "host_flash_end_of_life" not in {sample.name for sample in samples.samples}


def test_parts_of_a_device_and_cards_that_say_nothing_are_left_out(laptop: FixtureMachine) -> None:
    for name in ("mmcblk0p1", "mmcblk0boot0", "mmcblk0rpmb"):
        laptop.write(f"sys/class/block/{name}/device/life_time", "0x01 0x01\n")
    laptop.write("sys/class/block/mmcblk1/device/name", "SD32G\n")
    assert [chip.device for chip in laptop.read(Flash).devices] == ["mmcblk0"]


def test_a_worn_device_is_one_finding_by_its_more_worn_cells(laptop: FixtureMachine) -> None:
    levels = {"0x01 0x07": None, "0x01 0x08": Level.WARNING, "0x09 0x02": Level.WARNING, "0x01 0x0b": Level.CRITICAL}
    for life, level in levels.items():
        laptop.write(f"{DEVICE}/life_time", life)
        found = [each.level for each in laptop.sample(KEPT).findings() if each.kind == "HostDiskWorn"]
        assert found == ([] if level is None else [level]), life


def test_a_device_at_its_end_is_a_finding_though_its_wear_is_unknown(laptop: FixtureMachine) -> None:
    laptop.remove(f"{DEVICE}/life_time")
    laptop.write(f"{DEVICE}/pre_eol_info", "0x02\n")
    (found,) = [each for each in laptop.sample(KEPT).findings() if each.kind == "HostDiskWorn"]
    assert (found.level, found.subject, found.reason) == (
        Level.WARNING,
        "mmcblk0",
        "has used up most of its spare blocks",
    )


def test_it_is_read_once_in_five_minutes(laptop: FixtureMachine) -> None:
    assert laptop.read(Flash).devices[0].wear_b_ratio == 0.2
    laptop.write(f"{DEVICE}/life_time", "0x01 0x05\n")
    assert laptop.read(Flash).devices[0].wear_b_ratio == 0.2
    laptop.advance(KEPT)
    assert laptop.read(Flash).devices[0].wear_b_ratio == 0.5


def test_machines_without_flash_have_no_series(server: FixtureMachine) -> None:
    assert server.try_read(Flash) is None


def test_other_systems_have_no_flash(windows: Windows, macos: MacOs) -> None:
    assert windows.sample().section(Flash) is None
    assert macos.sample().section(Flash) is None
