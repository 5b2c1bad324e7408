"""Figures that the machine's owner puts into files: disks by SMART, backups, and whatever else (Linux)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from exporter.families import gauges
from exporter.findings import Finding
from exporter.model import hidden
from exporter.sources.host import LINUX, number, read_text
from exporter.sources.textfile_content import Backup, SmartDisk, backups, disks, merged
from exporter.sources.textfile_parser import Family  # noqa: TC001 - names in a section are resolved
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.machine import Machine
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds

HOUR, DAY = 3600.0, 86400.0
STALE, SMART_STALE = 26 * HOUR, 6 * HOUR
"""Age from which a file is stale, as in HostTextfileStale: what runs daily, and our timer, which runs hourly."""
SMART_FILE, BACKUP_FILES = "smart.prom", "backup"
BACKUP_STALE = 2 * DAY
WORN, WORN_OUT, FEW_SPARES = 0.8, 0.95, 0.2
"""Shares from which HostDiskWorn warns and is critical, and share of spare blocks from which it warns."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: when it was written (Unix time), its age, what is wrong with it, and its number of series.

    ``left_out`` counts the series that are not served because their value is not a number or infinite.
    """

    file: str
    modified_seconds: float | None
    age_seconds: float | None
    error: str | None
    samples: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Textfiles:
    """All files in order of their names, and what those that are understood here say. ``up_seconds`` is the uptime."""

    files: tuple[File, ...]
    disks: tuple[SmartDisk, ...] = ()
    backups: tuple[Backup, ...] = ()
    up_seconds: float | None = hidden(None)
    families: tuple[Family, ...] = hidden(())
    missing: tuple[str, ...] = hidden(())


def read(machine: Machine, _baseline: Snapshot | None) -> Textfiles | None:
    """Read the *.prom files below ``--textfile-dir`` that have changed; None if there is no such folder."""
    read = machine.textfiles.read() if LINUX else None
    if read is None:
        return None
    textfiles, surplus = read
    now = time.time()
    found, errors = merged(textfiles, now)
    files = []
    for each in textfiles:
        modified = each.modified_seconds
        age = None if modified is None or modified > now else now - modified
        error = errors.get(each.name)
        families = () if error else each.families
        samples, left_out = sum(len(one.samples) for one in families), sum(one.left_out for one in families)
        files.append(File(each.name, modified, age, error, samples, left_out))
    missing = [f"nothing of {name}: {error}" for name, error in errors.items()]
    if surplus:
        missing.append(f"nothing of {surplus} more files: {len(files)} are read")
    uptime = number((read_text(f"{machine.host.proc}/uptime") or "").partition(" ")[0])
    return Textfiles(
        tuple(files), disks(found), backups(found, now, complete=not errors), uptime, found, tuple(missing)
    )


def metrics(section: Textfiles) -> Iterable[Metric]:
    """Return the families about the files, then those that the files hold."""
    rows = [((each.file,), each) for each in section.files]
    yield from gauges(
        "host_textfile_mtime_seconds",
        "Unix time at which the file was written.",
        ("file",),
        [(k, each.modified_seconds) for k, each in rows],
    )
    yield from gauges(
        "host_textfile_error",
        "1 if the file could not be read or holds what cannot be served; nothing of it is served then.",
        ("file",),
        [(k, each.error is not None) for k, each in rows],
    )
    for family in section.families:
        yield _metric(family)


def findings(section: Textfiles, _thresholds: Thresholds) -> Iterable[Finding]:
    """Yield disks that are failing or worn, backups that are too old, and files that are stale or cannot be used."""
    for disk in section.disks:
        yield from _of_disk(disk)
    for backup in section.backups:
        limit = BACKUP_STALE if backup.max_age_seconds is None else backup.max_age_seconds
        if backup.age_seconds is not None and backup.age_seconds > limit:
            last = f"last succeeded {ago(backup.age_seconds)}" if backup.last_success_seconds else "has never succeeded"
            reason = f"{last} (warning after {ago(limit, '')})"
            yield Finding("HostBackupStale", Level.WARNING, "Backup", backup.job, reason=reason)
    settled = section.up_seconds is None or not section.up_seconds < HOUR
    for each in section.files:
        limit = SMART_STALE if each.file == SMART_FILE else STALE
        old = each.age_seconds is not None and each.age_seconds > limit and not each.file.startswith(BACKUP_FILES)
        if each.error is not None:
            reason = f"cannot be used: {each.error}"
            yield Finding("HostTextfileStale", Level.WARNING, "File", each.file, reason=reason)
        elif old and settled and each.age_seconds is not None:
            reason = f"was last written {ago(each.age_seconds)} (warning after {ago(limit, '')})"
            yield Finding("HostTextfileStale", Level.WARNING, "File", each.file, reason=reason)


def _of_disk(disk: SmartDisk) -> Iterable[Finding]:
    if disk.healthy is False:
        reason = "is failing" + (f": {', '.join(disk.problems)}" if disk.problems else "")
        yield Finding("HostDiskFailing", Level.CRITICAL, "Disk", disk.device, reason=reason)
    wear, spare = disk.wear_ratio, disk.spare_ratio
    if wear is not None and wear >= WORN:
        level, limit = (Level.CRITICAL, WORN_OUT) if wear >= WORN_OUT else (Level.WARNING, WORN)
        yield Finding("HostDiskWorn", level, "Wear of disk", disk.device, wear, limit)
    elif spare is not None and spare <= FEW_SPARES:
        yield Finding("HostDiskWorn", Level.WARNING, "Spare blocks of disk", disk.device, spare, FEW_SPARES, below=True)


def ago(seconds: float, word: str = " ago") -> str:
    """Return an age in the largest unit of which there are two: "26 h ago", "9 days ago"."""
    for unit, length in (("days", DAY), ("h", HOUR), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f}\u00a0{unit}{word}"
    return f"{seconds:.0f}\u00a0s{word}"


def _metric(family: Family) -> Metric:
    if family.kind == "counter":
        metric: Metric = CounterMetricFamily(family.name, family.help_text, labels=())
    elif family.kind == "gauge":
        metric = GaugeMetricFamily(family.name, family.help_text, labels=())
    else:
        metric = Metric(family.name, family.help_text, "unknown")
    name = family.name
    for labels, value in family.samples.items():
        metric.add_sample(name, dict(labels), value)
    return metric
