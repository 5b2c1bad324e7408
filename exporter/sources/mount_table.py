"""The mount table, from /proc/PID/mountinfo on Linux and psutil elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from exporter.sources.host import LINUX
from exporter.sources.mounts import from_psutil, parse_mountinfo, visible
from exporter.sources.writable import Ext4Errors, filesystems

if TYPE_CHECKING:
    from exporter.sources.host import Host
    from exporter.sources.mounts import Mount


class MountTable:
    """Reads the mount table, and parses it only when it has changed, which is rare."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._errors = Ext4Errors(host)
        self._raw: bytes | None = None
        self._mounts: list[Mount] = []

    def read(self) -> list[Mount]:
        """Return the visible mounts: those not hidden by a later one. Raises OSError."""
        if not LINUX:
            return from_psutil(psutil.disk_partitions(all=False))
        raw = self._host.read_init("mountinfo")
        if raw != self._raw:
            mounts = parse_mountinfo(raw.decode(errors="surrogateescape"))
            self._mounts = visible(filesystems(mounts, sandboxed=self._host.is_hidden))
            self._raw = raw
        return self._errors.applied(self._mounts)
