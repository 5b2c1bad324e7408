"""Space and inodes of the filesystems that hold the owner's data."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.families import gauge, gauges
from exporter.findings import Finding, against
from exporter.model import hidden
from exporter.sources.filesystems import NOT_ALLOWED, Usage, inodes_ratio, is_another, space
from exporter.sources.host import printable
from exporter.sources.mounts import without_repeats
from exporter.sources.storages import without_shared
from exporter.sources.writable import answered
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.sources.mounts import Mount
    from exporter.thresholds import Thresholds

LABELS = ("device", "mountpoint", "fstype")
INODES_LOW = 0.9
"""Share of inodes in use at or above which there is a warning; the same limit as in HostInodesLow."""

OTHER = "not visible from here: another filesystem answers at this path"
STOPPED = "is read-only: the kernel stopped writing to it, as it does after an error"


@dataclass(frozen=True, slots=True)
class Filesystem:
    """One filesystem. If it could not be read, its figures are None and ``error`` says why in one line.

    ``usage_ratio`` is used/(used+available), as ``df`` shows it: space reserved for root does not count as available.
    ``readonly`` means that nothing can be written to it at any of its mountpoints; ``stopped`` that this is because the
    kernel stopped writing to it after an error.
    """

    device: str
    mountpoint: str
    fstype: str
    readonly: bool
    error: str | None = None
    size_bytes: float | None = None
    used_bytes: float | None = None
    available_bytes: float | None = None
    usage_ratio: float | None = None
    inodes_usage_ratio: float | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Filesystems:
    """All filesystems shown, sorted by mountpoint; and the size and space of the one that holds Prometheus' data.

    The latter two are None unless a setting names Prometheus' data folder, which may be on a filesystem left out here.
    """

    filesystems: tuple[Filesystem, ...]
    prometheus_size_bytes: float | None = None
    prometheus_available_bytes: float | None = None
    missing: tuple[str, ...] = hidden(())

    def fullest(self) -> Filesystem | None:
        """Return the writable filesystem with the highest usage, or None if none could be read.

        What cannot be written cannot fill up, and images are full by nature.
        """
        fillable = [each for each in self.filesystems if each.usage_ratio is not None and not each.readonly]
        return max(fillable, key=lambda filesystem: filesystem.usage_ratio or 0.0, default=None)


def read(machine: Machine, _baseline: Snapshot | None) -> Filesystems:
    """Read the mount table, then call statvfs(2) on each mount under a time limit (psutil outside Linux)."""
    mounts = [mount for mount in machine.mounts.read() if not _left_out(machine, mount)]
    if not machine.settings.bind_mounts:
        mounts = without_repeats(mounts)
    data = [machine.settings.prometheus_data] if machine.settings.prometheus_data else []
    answers = machine.filesystems.read([f"{machine.host.rootfs}{mount.mountpoint}" for mount in mounts] + data)
    prometheus = answers.pop() if data else None
    rows = [
        (answered(mount, answer), OTHER if is_another(mount, answer) else answer)
        for mount, answer in zip(mounts, answers, strict=True)
        if not (
            mount.is_fuse and mount.fstype != "fuseblk" and answer == NOT_ALLOWED
        )  # fuseblk: a disk of this machine
    ]
    if not machine.settings.bind_mounts:
        rows = without_shared(rows)
    shown = tuple(_filesystem(mount, answer) for mount, answer in rows)
    if isinstance(prometheus, Usage):
        return Filesystems(shown, prometheus.size_bytes, space(prometheus)[1])
    return Filesystems(shown, missing=(f"no space of Prometheus' data in {data[0]}: {prometheus}",) if data else ())


def metrics(section: Filesystems) -> Iterable[Metric]:
    """Return the filesystem families."""
    rows = [
        ((filesystem.device, filesystem.mountpoint, filesystem.fstype), filesystem)
        for filesystem in section.filesystems
    ]
    yield from gauges(
        "host_filesystem_size_bytes", "Size of the filesystem.", LABELS, [(k, f.size_bytes) for k, f in rows]
    )
    yield from gauges("host_filesystem_used_bytes", "Space in use.", LABELS, [(k, f.used_bytes) for k, f in rows])
    yield from gauges(
        "host_filesystem_available_bytes",
        "Space available to users other than root.",
        LABELS,
        [(k, f.available_bytes) for k, f in rows],
    )
    yield from gauges(
        "host_filesystem_usage_ratio",
        "Used share, 0-1, as df shows it: used/(used+available).",
        LABELS,
        [(k, f.usage_ratio) for k, f in rows],
    )
    yield from gauges(
        "host_filesystem_inodes_usage_ratio",
        "Share of inodes in use, 0-1; absent if their number is not fixed.",
        LABELS,
        [(k, f.inodes_usage_ratio) for k, f in rows],
    )
    yield from gauges(
        "host_filesystem_readonly",
        "1 if the filesystem cannot be written at any of its mountpoints: by nature, by choice or after an error.",
        LABELS,
        [(k, f.readonly) for k, f in rows],
    )
    yield from gauges(
        "host_filesystem_stopped",
        "1 if the kernel has stopped writing to the filesystem after an error.",
        LABELS,
        [(k, f.stopped) for k, f in rows],
    )
    yield from gauges(
        "host_filesystem_error",
        "1 if the filesystem could not be read: no answer in time, not allowed, or not visible from here.",
        LABELS,
        [(k, f.error is not None) for k, f in rows],
    )
    yield from gauge(
        "host_prometheus_disk_size_bytes",
        "Size of the filesystem that holds Prometheus' data (--prometheus-data).",
        section.prometheus_size_bytes,
    )
    yield from gauge(
        "host_prometheus_disk_available_bytes",
        "Space that Prometheus has left on that filesystem.",
        section.prometheus_available_bytes,
    )


def findings(section: Filesystems, thresholds: Thresholds) -> Iterable[Finding]:
    """Compare each writable filesystem's usage with the owner's thresholds, and its inodes with a fixed limit.

    One that the kernel has stopped writing to is critical; one that cannot be read is a warning.
    """
    for each in section.filesystems:
        path = each.mountpoint
        if each.stopped:
            yield Finding("HostFilesystemReadOnly", Level.CRITICAL, "Filesystem", path, reason=STOPPED)
        if not each.readonly:
            yield from against(
                thresholds.filesystem,
                each.usage_ratio,
                kind="HostFilesystemFull",
                resource="filesystem",
                what="Filesystem",
                subject=path,
            )
        inodes = each.inodes_usage_ratio
        if inodes is not None and inodes >= INODES_LOW and not each.readonly:
            yield Finding("HostInodesLow", Level.WARNING, "Inodes on", path, inodes, INODES_LOW)
        if each.error is not None:
            reason = f"cannot be read: {each.error}"
            yield Finding("HostFilesystemError", Level.WARNING, "Filesystem", path, reason=reason, missing=True)


def _left_out(machine: Machine, mount: Mount) -> bool:
    return (
        machine.hidden_fstypes.match(mount.fstype)
        or machine.hidden_mountpoints.match(mount.mountpoint)
        or (mount.viewer is not None and mount.viewer != os.geteuid())
    )


def _filesystem(mount: Mount, answer: Usage | str) -> Filesystem:
    # The system call needs a path's undecodable bytes; people get a replacement character.
    device, mountpoint, fstype = (
        printable(text.encode(errors="surrogateescape").decode(errors="replace"))
        for text in (mount.device, mount.mountpoint, mount.fstype)
    )
    row = Filesystem(device, mountpoint, fstype, mount.readonly, stopped=mount.stopped)
    if isinstance(answer, str):
        return replace(row, error=printable(answer))
    if not answer.size_bytes and not answer.used_bytes and not answer.available_bytes:  # it has no size to report
        return row
    used, available = space(answer)
    usable = used + available
    return replace(
        row,
        size_bytes=answer.size_bytes,
        used_bytes=used,
        available_bytes=available,
        usage_ratio=used / usable if usable else None,
        inodes_usage_ratio=inodes_ratio(answer),
    )
