"""What textfiles hold together: families of one name from several files are one, and some are understood here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.plausible import IMPOSSIBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.sources.textfile_parser import Family
    from exporter.sources.textfiles import Textfile

MOST_SERIES = 5000
"""Series of all files together; encoding as many takes 25 ms."""
LAST_SUCCESS = "host_backup_last_success_timestamp_seconds"
AHEAD = 300.0
"""Seconds by which a time may lie in the future, because a clock has been set back a little since."""


@dataclass(frozen=True, slots=True)
class SmartDisk:
    """What SMART says of a disk; None where it says nothing. ``problems`` say why it is not healthy.

    ``wear_ratio`` is 0 for a new disk, 1 for one that is worn out; ``spare_ratio`` is the share of spare blocks left.
    """

    device: str
    model: str
    serial: str
    healthy: bool | None
    wear_ratio: float | None
    spare_ratio: float | None
    media_errors: float | None
    reallocated_sectors: float | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup: when it last succeeded (Unix time), how long ago, and from which age its owner wants an alert."""

    job: str
    last_success_seconds: float | None
    age_seconds: float | None
    max_age_seconds: float | None


def merged(files: Sequence[Textfile], now: float) -> tuple[tuple[Family, ...], dict[str, str]]:
    """Return the families of all files, and for each file of which nothing is taken, why.

    A file whose names, types or series contradict those of a file before it is left out as a whole, and so is one with
    a time in the future, as long as it is. ``now`` is Unix time.
    """
    found: dict[str, Family] = {}
    owner: dict[str, tuple[str, str]] = {}
    taken: list[Textfile] = []
    errors: dict[str, str] = {}
    count = 0
    for file in files:
        size = sum(len(family.samples) for family in file.families)
        error = file.error or _future(file, now) or _contradiction(file, found, owner) or _repeated(file, taken)
        if error is None and count + size > MOST_SERIES:
            error = f"all files together have more than {MOST_SERIES:,} series"
        if error is not None:
            errors[file.name] = error
            continue
        count += size
        for family in file.families:
            before = found.get(family.name)
            samples = {**before.samples, **family.samples} if before else family.samples
            found[family.name] = replace(before or family, samples=samples)
            for name in family.claims():
                owner.setdefault(name, (family.name, file.name))
        taken.append(file)
    return tuple(family for family in found.values() if family.samples), errors


def _future(file: Textfile, now: float) -> str | None:
    """Return what is wrong with a time of a file. Not asked when it is parsed: a clock may be set after that."""
    for family in file.families:
        if family.name == LAST_SUCCESS and any(value > now + AHEAD for value in family.samples.values()):
            return f"{family.name} lies in the future: give Unix time in seconds (date +%s), or set the clock"
    return None


def _contradiction(file: Textfile, found: dict[str, Family], owner: dict[str, tuple[str, str]]) -> str | None:
    mine: dict[str, str] = {}
    for family in file.families:
        before = found.get(family.name)
        if before and before.kind != family.kind:
            return f"{family.name} has another type in {owner[family.name][1]}"
        for name in family.claims():
            other, place = owner.get(name, (family.name, ""))
            if other != family.name:
                return f"{family.name} cannot be beside {other} in {place}"
            if mine.setdefault(name, family.name) != family.name:
                return f"{family.name} cannot be beside {mine[name]}"
    return None


def _repeated(file: Textfile, before: Sequence[Textfile]) -> str | None:
    series = {family.name: family.samples.keys() for family in file.families}
    for other in before:
        for family in other.families:
            if not series.get(family.name, {}.keys()).isdisjoint(family.samples):
                return f"{family.name} has a series that is in {other.name} too"
    return None


def disks(families: Sequence[Family]) -> tuple[SmartDisk, ...]:
    """Return the disks that the families of SMART are about, sorted by device."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    problems: dict[tuple[str, str, str], list[str]] = {}
    for family in families:
        if not family.name.startswith("host_disk_"):
            continue
        for pairs, value in family.samples.items():
            labels = dict(pairs)
            key = (labels.get("device", ""), labels.get("model", ""), labels.get("serial", ""))
            figures = found.setdefault(key, {})
            if family.name == "host_disk_smart_problem":
                if value:
                    problems.setdefault(key, []).append(f"{labels.get('problem', '')}: {value:.0f}")
            else:
                figures[family.name] = value
    return tuple(
        SmartDisk(
            *key,
            healthy=None if (healthy := figures.get("host_disk_smart_healthy")) is None else healthy != 0,
            wear_ratio=figures.get("host_disk_wear_ratio"),
            spare_ratio=figures.get("host_disk_spare_ratio"),
            media_errors=figures.get("host_disk_media_errors_total"),
            reallocated_sectors=figures.get("host_disk_reallocated_sectors"),
            problems=tuple(sorted(problems.get(key, ()))),
        )
        for key, figures in sorted(found.items())
    )


def backups(families: Sequence[Family], now: float, *, complete: bool = True) -> tuple[Backup, ...]:
    """Return the backups, sorted by name; ``now`` is Unix time.

    One with a limit and no success has never succeeded, as if that were at 0. That is not known unless the files are
    ``complete``: one that cannot be used may hold the success.
    """
    found: dict[str, dict[str, float]] = {}
    for family in families:
        if family.name.startswith("host_backup_"):
            for pairs, value in family.samples.items():
                found.setdefault(dict(pairs).get("job", ""), {})[family.name] = value
    rows = []
    for job, figures in sorted(found.items()):
        last = figures.get(LAST_SUCCESS, 0.0 if complete else None)
        age = None if last is None else now - last
        if age is not None and -AHEAD <= age < 0:
            age = 0.0
        most = figures.get("host_backup_max_age_seconds")
        rows.append(Backup(job, last, IMPOSSIBLE if age is not None and age < 0 else age, most))
    return tuple(rows)
