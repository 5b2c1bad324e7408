"""The names of block devices as their owner knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.host import printable, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host


def device_name(host: Host, name: str) -> str:
    """Return a device's name without /dev/: "sda2", "cciss/c0d0p1", "mapper/vg-root" for "dm-0"."""
    if name.startswith("dm-") and (given := read_text(f"{host.sys}/block/{name}/dm/name")):
        return printable(f"mapper/{given}")
    # A "/" in a device's name is a "!" in /sys.
    return printable(name.replace("!", "/"))


def device_number(host: Host, name: str) -> str | None:
    """Return "major:minor" of a device or partition by its kernel name, None if unknown."""
    return read_text(f"{host.sys}/class/block/{name}/dev") or None
