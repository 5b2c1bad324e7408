"""Arrays of Linux software RAID (md) as the kernel describes them in /sys/block/md*/md (admin-guide/md.rst)."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

from exporter.plausible import within
from exporter.sources.blocks import device_name
from exporter.sources.host import counter, listed, plain_int, printable, read_int, read_text

if TYPE_CHECKING:
    from exporter.sources.host import Host

MOST_SLOTS = 4096
"""Members that an array can be made for: what its superblock has room for, and twice what the kernel allows."""


@dataclass(frozen=True, slots=True)
class MdMember:
    """A device of an array: its place (None if it has none, as a spare), and what the kernel says of it."""

    name: str
    slot: int | None
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class MdArray:
    """One array. ``state`` is the kernel's: "clean", "active", "inactive", "broken" and others.

    ``metadata`` is the version of its superblocks: "1.2", "0.90". ``slots`` is how many members it is made for;
    ``degraded`` how many of them are not in sync, None without redundancy. ``action`` is what is being done to all of
    it ("recover", "check"), None if nothing; ``done_ratio`` how far that is, None while it waits for its turn.
    """

    device: str
    level: str
    state: str
    metadata: str
    slots: int | None
    degraded: float | None
    members: tuple[MdMember, ...]
    action: str | None
    done_ratio: float | None


def read_arrays(host: Host) -> list[MdArray]:
    """Return the arrays by name, without containers: those hold the disks of other arrays, and no data of their own."""
    names = [name for name in listed(f"{host.sys}/block") if name.startswith("md")]
    found = [_read(host, name, f"{host.sys}/block/{name}/md") for name in names]
    return [array for array in found if array is not None]


def _read(host: Host, name: str, folder: str) -> MdArray | None:
    state = read_text(f"{folder}/array_state")
    metadata = read_text(f"{folder}/metadata_version") or ""
    if not state or state == "clear" or _is_container(metadata):
        return None
    degraded = read_text(f"{folder}/degraded")
    slots = _slots(read_text(f"{folder}/raid_disks"))
    action = read_text(f"{folder}/sync_action")
    return MdArray(
        device=device_name(host, name),
        level=printable(read_text(f"{folder}/level") or "unknown"),
        state=printable(state),
        metadata=metadata,
        slots=slots[0] if slots else None,
        degraded=None if degraded is None else within(counter(degraded), max(slots, default=MOST_SLOTS)),
        members=_members(host, folder),
        action=None if action in {None, "", "idle", "frozen"} else printable(str(action)),
        done_ratio=_done(read_text(f"{folder}/sync_completed") or ""),
    )


def _is_container(metadata: str) -> bool:
    """Return whether an array is a container of firmware RAID: "external:imsm"; its arrays say "external:/md127/0"."""
    kind, _, content = metadata.partition(":")
    return kind == "external" and not content.startswith(("/", "-"))


def _members(host: Host, folder: str) -> tuple[MdMember, ...]:
    names = [name for name in listed(folder) if name.startswith("dev-")]
    found = []
    for name in names:
        flags = read_text(f"{folder}/{name}/state")
        if flags is not None:  # else it has just been removed
            slot = read_int(f"{folder}/{name}/slot")
            found.append(MdMember(device_name(host, name.removeprefix("dev-")), slot, frozenset(flags.split(","))))
    return tuple(found)


def _slots(text: str | None) -> list[int]:
    """Return for how many members an array is made; while it is reshaped, the former number follows: "4 (3)"."""
    found = [plain_int(word.strip("()")) for word in (text or "").split()]
    return [count for count in found if count is not None and count <= MOST_SLOTS]


def _done(text: str) -> float | None:
    """Return how much of "1234 / 5678" (sectors) is done, None for "none" and "delayed"."""
    done, slash, whole = text.partition(" / ")
    if not slash:
        return None
    total = counter(whole)
    return counter(done) / total if total else nan
