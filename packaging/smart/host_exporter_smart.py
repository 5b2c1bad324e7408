#!/usr/bin/env python3
"""Writes what SMART says of this machine's disks into a file that Host Exporter serves.

Needs root, smartctl 7.0 or later, Python 3.9 or later, and nothing else. A timer runs it once an hour. It replaces the
file as a whole or leaves it as it is: HostTextfileStale fires when it is old. Disks that sleep are left asleep and
keep their last figures. docs/textfiles.md says what makes a disk unhealthy.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from typing import Any

OUTPUT = "/var/lib/host-exporter/textfile/smart.prom"
STATE = "/var/lib/host-exporter-smart/state.json"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
SYSFS = "/sys"
WEEK = 7 * 86400
REMEMBERED = 90 * 86400
"""Seconds for which a disk is remembered that is not there, such as one for backups in a drawer."""
FEW_BLOCKS = 10
"""New bad blocks in a week that are too many for an SSD, as some fail in every flash memory. Other disks: one."""
GONE = WEEK
"""Seconds for which a disk that has dropped off its bus is failing; by then somebody has replaced it or knows."""
LIMIT = 120
"""Seconds for one disk: one that fails may take long to answer."""

UNOPENED, ASLEEP = 2, 3
"""Exit statuses of smartctl: a disk could not be opened; our own for one in standby (smartctl sets bit 0 or bit 1)."""

SLEEPING = ["-n", f"standby,{ASLEEP}"]
NVME = ["-i", "-H", "-A"]
"""Not -a, because some NVMe disks log a command that they do not know as an error."""
OTHERS = ["-a", "-l", "devstat", "-l", "ssd"]
GUESSED = {"", "ata", "sat", "scsi", "nvme"}
"""Types that smartctl finds out again, and better than in a scan, when it opens the disk."""

LEFT = re.compile(
    r"Media_Wearout|Wear_Leveling_Count|Life_?Left|Life(time)?_Left|Remain(ing)?_Life|Life(time)?_Remain", re.IGNORECASE
)
"""Attributes of SSDs whose normalized value falls from 100 to 0 in a life."""
USED = re.compile(r"Life(time)?_Used", re.IGNORECASE)
"""Attributes of SSDs whose raw value rises from 0 to 100 in a life."""
SPARE = re.compile(r"Available_Reservd_Space|Reserved_Block_Pct", re.IGNORECASE)

# What makes a disk unhealthy, as the page and the email say it.
OWN_CHECK = "failed its own health check"
AT_LIMIT = "attributes beyond the maker's limit"
PENDING = "sectors that cannot be read"
UNCORRECTABLE = "sectors that cannot be corrected"
NEW_SECTORS = "sectors replaced in the last week"
NEW_ERRORS = "media errors in the last week"
SILENT = "does not answer"
WARNINGS = {
    "spare blocks below the maker's limit": 0x01,
    "too many media errors to be reliable": 0x04,
    "read-only": 0x08 | 0x20,
    "cannot save its cache when the power fails": 0x10,
}
"""Bits of NVMe's critical warning. Not 0x02, the temperature: that is no fault of the disk."""

FAMILIES = (
    ("host_disk_smart_healthy", "gauge", "1 if SMART has nothing against the disk, 0 if it is failing."),
    ("host_disk_wear_ratio", "gauge", "Wear of an SSD, 0-1: 0 is new, 1 is all that its maker promises."),
    ("host_disk_spare_ratio", "gauge", "Share of an SSD's spare blocks that is left, 0-1."),
    (
        "host_disk_media_errors_total",
        "counter",
        "Errors in the disk's life that it could not correct: data that could not be read or written.",
    ),
    ("host_disk_reallocated_sectors", "gauge", "Bad sectors that the disk has replaced by spare ones."),
)
PROBLEM = "host_disk_smart_problem"
PROBLEM_HELP = "What makes a disk unhealthy if it is above 0: how many of what the label says."

BEFORE, DROPPED = "before ", "gone "
"""Begin the keys of known disks without a name now: those not seen since the boot, and those gone since."""

Answer = dict[str, Any]
Disk = dict[str, Any]


class FailedError(Exception):
    """Ends the program with its one line."""


class GarbledError(FailedError):
    """An answer that is no JSON. About one disk, it costs that disk only."""


def main() -> int:
    """Run once; return the exit status."""
    parser = argparse.ArgumentParser(description="Write what SMART says of this machine's disks into a textfile.")
    parser.add_argument("--output", default=OUTPUT, help="file to write (%(default)s)")
    parser.add_argument("--state", default=STATE, help="file to remember figures in (%(default)s)")
    parser.add_argument("--smartctl", default="smartctl", help="program to run (%(default)s)")
    parser.add_argument("--sysfs", default=SYSFS, help="where the kernel says which disks are removable (%(default)s)")
    parser.add_argument("--forget", metavar="SERIAL", help="a disk that was removed for good, by its serial number")
    options = parser.parse_args()
    try:
        print(run(options, time.time()))  # noqa: T201 - for the journal
    except FailedError as reason:
        print(f"host-exporter-smart: {reason}", file=sys.stderr)  # noqa: T201 - for the journal
        return 1
    return 0


def run(options: argparse.Namespace, now: float) -> str:
    """Ask all disks and write the file; return one line about it. Raises FailedError."""
    smartctl = options.smartctl
    known = _without(_load(options.state), options.forget)
    disks: list[Disk] = []
    asleep, without, unopened, garbled = [], [], [], []
    found = [each for each in _list(_ask(smartctl, ["--scan"]).get("devices")) if isinstance(each, dict)]
    for device in found:
        name, kind = str(device.get("name", "")), str(device.get("type", ""))
        label = _words(name.removeprefix("/dev/") + (f" {kind}" if "," in kind else ""))
        before = known.get(label)
        try:
            answer = _ask(smartctl, _arguments(name, kind))
        except (subprocess.TimeoutExpired, GarbledError) as reason:
            garbled += [label] if isinstance(reason, GarbledError) else []
            answer = {"smartctl": {"exit_status": UNOPENED}}
        disk = _disk(label, answer)
        if _status(answer) == ASLEEP:
            asleep.append(label)
            disk = before
        elif disk is not None:
            disk["seen"] = now
            disk["removable"] = _is_removable(options.sysfs, label)
            _compare(disk, known, now)
        elif _status(answer) & UNOPENED:
            unopened.append(label)
            disk = _missed(before)
        elif before is not None and not before.get("removable"):
            disk = _missed(before)  # it says nothing any more, or its name is another disk's now
        if disk is None:
            without.append(label)
        elif not any(_is_same(disk, other) for other in disks):
            disks.append(disk)
    if found and len(unopened) == len(found) and not disks:
        why = "it answers without JSON" if garbled == unopened else "not root, or not allowed by the sandbox"
        raise FailedError(f"smartctl can open none of {', '.join(unopened)}: {why}")
    gone = [_gone(each, now) for each in _lost(known, disks) if each["seen"] > now - GONE]
    _write(options.output, text(disks + gone))
    disks += gone
    absent = [each for each in known.values() if not any(_is_same(each, disk) for disk in disks)]
    absent = [{**each, "absent": True} for each in absent if each["seen"] > now - REMEMBERED]
    _write(options.state, json.dumps({"boot": _boot(), "disks": disks + absent}), 0o600)
    said = {
        "asleep": asleep,
        "in no scan any more": [each["device"] for each in gone],
        "smartctl answers without JSON about": garbled,
        "without SMART": [label for label in without if label not in garbled],
    }
    parts = [f"{what}: {', '.join(labels)}" for what, labels in said.items() if labels]
    return "; ".join([f"disks: {len(disks) - len(gone)}", *parts])


def _without(known: dict[str, Disk], serial: str | None) -> dict[str, Disk]:
    """Return what is known without one disk, if one is named. Raises FailedError if it is not known."""
    if serial is None:
        return known
    left = {key: disk for key, disk in known.items() if disk["serial"] != serial}
    if not serial or len(left) == len(known):
        serials = ", ".join(sorted({disk["serial"] for disk in known.values() if disk["serial"]}))
        raise FailedError(f"no disk with the serial number {serial!r} is known; known: {serials or 'none'}")
    return left


def _lost(known: dict[str, Disk], disks: list[Disk]) -> list[Disk]:
    """Return the disks that have answered since the boot and are nowhere now, but for those that one may unplug."""
    here = [each for key, each in known.items() if not key.startswith(BEFORE) and not each.get("removable")]
    return [each for each in here if not any(_is_same(each, disk) for disk in disks)]


def _gone(disk: Disk, now: float) -> Disk:
    """Return a disk that no scan lists any more: as one that cannot be opened."""
    return {**(_missed(disk) or disk), "gone": disk.get("gone", now)}


def _is_removable(sysfs: str, label: str) -> bool:
    """Return whether a disk is one that its owner may unplug at any time: on USB, or said to be by the kernel.

    A disk behind a controller, which the kernel does not see, is not.
    """
    top = os.path.realpath(sysfs)
    for kind in ("block", "nvme"):
        path = os.path.realpath(f"{top}/class/{kind}/{label}")
        if not os.path.isdir(path):
            continue
        if re.search(r"/(usb|fw)[0-9]+/", path):
            return True
        while path.startswith(f"{top}/"):  # a disk says 1; a PCI device, as one on Thunderbolt, says "removable"
            try:
                with open(f"{path}/removable", encoding="ascii") as file:
                    if file.read().strip() in {"1", "removable"}:
                        return True
            except (OSError, ValueError):  # most have no such file
                pass
            path = os.path.dirname(path)
    return False


def _arguments(name: str, kind: str) -> list[str]:
    """Return what to ask smartctl about a disk. What a scan says of a controller's disk must be said again."""
    is_nvme = kind == "nvme" or name.startswith("/dev/nvme")
    return [*(NVME if is_nvme else OTHERS), *SLEEPING, *([] if kind in GUESSED else ["-d", kind]), name]


def _ask(smartctl: str, arguments: list[str]) -> Answer:
    """Return smartctl's answer. Raises FailedError if there is none, GarbledError, TimeoutExpired."""
    command = [smartctl, "--json=c", *arguments]
    try:
        result = subprocess.run(  # noqa: S603 - the names of disks come from smartctl itself, and there is no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False
        )
    except OSError as reason:
        raise FailedError(f"{smartctl} cannot be run: {reason.strerror} (apt install smartmontools)") from None
    try:
        answer = json.loads(result.stdout)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise GarbledError(f"{smartctl} answers without JSON; it must be version 7.0 or later")
    return answer


def _status(answer: Answer) -> int:
    status = _at(answer, "smartctl", "exit_status")
    return status if isinstance(status, int) else 0


def _disk(label: str, answer: Answer) -> Disk | None:
    """Return what an answer says of a disk; None if it says nothing, as a USB bridge that does not pass SMART on."""
    attributes = [each for each in _list(_at(answer, "ata_smart_attributes", "table")) if isinstance(each, dict)]
    log = _at(answer, "nvme_smart_health_information_log")
    passed = _at(answer, "smart_status", "passed")
    if isinstance(log, dict):
        figures, problems = _nvme(log)
    elif isinstance(passed, bool) or attributes:
        figures, problems = _ata(answer, attributes) if attributes else _scsi(answer)
        problems[OWN_CHECK] = int(passed is False)
    else:
        return None
    disk = {"device": label, "model": _model(answer), "serial": _words(answer.get("serial_number"))}
    return {
        **disk,
        "figures": figures,
        "problems": problems,
        "missed": 0,
        "history": {},
        "flash": answer.get("rotation_rate") == 0,
    }


def _nvme(log: Answer) -> tuple[Answer, dict[str, int]]:
    warning = _count(log.get("critical_warning")) or 0
    figures = {
        "host_disk_wear_ratio": _percent(log.get("percentage_used")),
        "host_disk_spare_ratio": _percent(log.get("available_spare")),
        "host_disk_media_errors_total": _count(log.get("media_errors")),
    }
    return figures, {problem: int(bool(warning & bits)) for problem, bits in WARNINGS.items()}


def _ata(answer: Answer, attributes: list[Answer]) -> tuple[Answer, dict[str, int]]:
    raw = {each.get("id"): _raw(each) for each in attributes}
    failed = sum(each.get("when_failed") == "now" for each in attributes)
    uncorrected = raw.get(187)
    figures = {
        "host_disk_wear_ratio": None if _spins(answer) else _wear(answer, attributes),
        "host_disk_spare_ratio": None if _spins(answer) else _spare(answer, attributes),
        "host_disk_media_errors_total": _statistic(answer, 4, "Uncorrectable") if uncorrected is None else uncorrected,
        "host_disk_reallocated_sectors": raw.get(5),
    }
    # Of many SSDs, 197 is another count, whose 1 comes and goes: "Current_Pending_ECC_Cnt".
    pending = (
        None if any(each.get("id") == 197 and "ECC" in str(each.get("name")) for each in attributes) else raw.get(197)
    )
    problems = {PENDING: pending, UNCORRECTABLE: raw.get(198), AT_LIMIT: failed}
    return figures, {problem: count for problem, count in problems.items() if count is not None}


def _scsi(answer: Answer) -> tuple[Answer, dict[str, int]]:
    log = _at(answer, "scsi_error_counter_log")
    counts = [_count(_at(each, "total_uncorrected_errors")) for each in log.values()] if isinstance(log, dict) else []
    known = [count for count in counts if count is not None]
    used = _at(answer, "endurance_used", "current_percent")
    used = answer.get("scsi_percentage_used_endurance_indicator") if used is None else used  # before smartctl 7.4
    figures = {
        "host_disk_wear_ratio": _percent(used),
        "host_disk_media_errors_total": sum(known) if known else None,
        "host_disk_reallocated_sectors": _count(answer.get("scsi_grown_defect_list")),
    }
    return figures, {}


def _spins(answer: Answer) -> bool:
    return bool(_count(answer.get("rotation_rate")))


def _wear(answer: Answer, attributes: list[Answer]) -> float | None:
    """Return an SSD's wear: what the standard says, or else the maker's own attribute, which counts up or down."""
    for used in (_statistic(answer, 7, "Percentage Used"), _at(answer, "endurance_used", "current_percent")):
        if used is not None:
            return _percent(used)
    for each in attributes:
        name = str(each.get("name", ""))
        if USED.search(name):
            return _percent(_raw(each))
        if LEFT.search(name) and (left := _percent(each.get("value"), most=100)) is not None:
            return round(1 - left, 4)
    return None


def _spare(answer: Answer, attributes: list[Answer]) -> float | None:
    left = _percent(_at(answer, "spare_available", "current_percent"))
    values = [each.get("value") for each in attributes if SPARE.search(str(each.get("name", "")))]
    return _percent(values[0], most=100) if left is None and values else left


def _statistic(answer: Answer, page: int, name: str) -> int | None:
    """Return a figure of the ATA device statistics; None if the disk has none or says that it is not valid."""
    for each in _list(_at(answer, "ata_device_statistics", "pages")):
        for row in _list(_at(each, "table")) if _at(each, "number") == page else []:
            if name in str(_at(row, "name")) and _at(row, "flags", "valid") is True:
                return _count(_at(row, "value"))
    return None


def _raw(attribute: Answer) -> int | None:
    """Return an attribute's raw value: of "8 (0 12)" the first, because some makers keep other counts beside it."""
    found = re.match(r"[0-9]+", str(_at(attribute, "raw", "string")))
    return int(found[0]) if found else _count(_at(attribute, "raw", "value"))


def _compare(disk: Disk, known: dict[str, Disk], now: float) -> None:
    """Add what has changed within a week. A disk is known by its serial number: the kernel gives names anew at boot."""
    before = next((each for each in known.values() if _is_same(each, disk)), None)
    pairs = (("host_disk_reallocated_sectors", NEW_SECTORS), ("host_disk_media_errors_total", NEW_ERRORS))
    for name, problem in pairs:
        count = disk["figures"].get(name)
        if count is None:
            continue
        history = [] if before is None else before["history"].get(name, [])
        if history and history[-1][1] > count:
            history = []  # the counter was reset
        old = [moment for moment in history if moment[0] <= now - WEEK]
        history = old[-1:] + [moment for moment in history if moment[0] > now - WEEK]
        if not history or history[-1][1] != count:
            history.append([now, count])
        disk["history"][name] = history
        new = count - history[0][1]
        disk["problems"][problem] = 0 if problem == NEW_SECTORS and disk["flash"] and new < FEW_BLOCKS else new


def _missed(before: Disk | None) -> Disk | None:
    """Return a disk that cannot be opened, though it could be: unhealthy from the second time on."""
    if before is None:
        return None
    missed = before["missed"] + 1
    problems = {**before["problems"], SILENT: int(missed > 1)}
    return {**before, "missed": missed, "problems": problems}


def _is_same(one: Disk, other: Disk) -> bool:
    """Return whether two entries are one disk. Not by WWN, which some makers give to several."""
    if one["serial"] or other["serial"]:
        return bool(one["serial"] == other["serial"] and one["model"] == other["model"])
    return bool(one["device"] == other["device"])


def text(disks: list[Disk]) -> str:
    """Return the textfile."""
    lines = ["# Written by host-exporter-smart.", f"# HELP {PROBLEM} {PROBLEM_HELP}", f"# TYPE {PROBLEM} gauge"]
    for disk in disks:
        lines += [
            f"{PROBLEM}{{{_labels(disk)},problem={_quoted(problem)}}} {count}"
            for problem, count in disk["problems"].items()
        ]
    for name, kind, help_text in FAMILIES:
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
        for disk in disks:
            figures = {**disk["figures"], "host_disk_smart_healthy": int(not any(disk["problems"].values()))}
            if figures.get(name) is not None:
                lines.append(f"{name}{{{_labels(disk)}}} {figures[name]}")
    return "\n".join(lines) + "\n"


def _labels(disk: Disk) -> str:
    return ",".join(f"{label}={_quoted(disk[label])}" for label in ("device", "model", "serial"))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _model(answer: Answer) -> str:
    names = ("model_name", "scsi_model_name", "scsi_product")
    return next((_words(answer[name]) for name in names if answer.get(name)), "")


def _words(value: object) -> str:
    """Return a name that a disk gives: printable, without the spaces that it is filled up with."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c if c.isprintable() else "?" for c in text).split())[:100]


def _percent(value: object, most: int = 255) -> float | None:
    """Return percent as a ratio; None for what cannot be. A disk may last longer than its maker promises."""
    count = _count(value)
    return None if count is None or count > most else min(count, 100) / 100


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _boot() -> str:
    try:
        with open(BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _load(path: str) -> dict[str, Disk]:
    """Return the disks of the last time by the names that they still have: a reboot gives names anew.

    One that has dropped off its bus has lost its name too: another disk may get it.
    """
    known = {}
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
        for disk in state["disks"]:
            is_there = state["boot"] == _boot() and not disk.get("absent")
            name = f"{DROPPED}{_labels(disk)}" if disk.get("gone") else disk["device"]
            known[name if is_there else f"{BEFORE}{_labels(disk)}"] = disk
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}  # the first time; a file that something else has written is replaced
    return known


def _write(path: str, content: str, mode: int = 0o644) -> None:
    """Replace a file as a whole. Raises FailedError."""
    folder = os.path.dirname(path) or "."
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".smart.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, mode)
            file.write(content)
        os.replace(temporary, path)
    except OSError as reason:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise FailedError(f"{path} cannot be written: {reason.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
