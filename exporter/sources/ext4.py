"""The errors that ext4 has met, from /sys/fs/ext4: kept in the filesystem itself until it is repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.sources.host import counter, listed, read_int, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host


class Ext4Count(NamedTuple):
    """Errors since the filesystem was made or repaired, NaN if that is no number; Unix time of the last, if known."""

    errors: float
    last_seconds: int | None


def ext4_devices(host: Host) -> list[str]:
    """Return the kernel's names of the devices with an ext4 that is mounted, sorted."""
    # "features" describes the driver.
    return [name for name in listed(f"{host.sys}/fs/ext4") if name != "features"]


def ext4_count(host: Host, name: str) -> Ext4Count | None:
    """Return the errors of the ext4 on a device by its kernel name, None if the kernel does not count them."""
    folder = f"{host.sys}/fs/ext4/{name}"
    text = read_text(f"{folder}/errors_count")
    if text is None:
        return None
    # 0 if there has been none.
    return Ext4Count(counter(text), read_int(f"{folder}/last_error_time") or None)
