"""Storage that loses its redundancy, meets errors, or stops being written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support_faults import ext4_error, filesystem
from tests.tools.ways.ways import Way

if TYPE_CHECKING:
    from tests.tools.ways.machine import Machine


class Ext4:
    """A second filesystem, /data, and an error in it."""

    def __init__(self, options: str) -> None:
        self._options = options
        self._device = ""

    def prepare(self, machine: Machine) -> None:
        machine.tree.bind("sys/fs/ext4", "/sys/fs/ext4")
        mounted = filesystem(machine.folder / "data", machine.tree.root / "data", options=self._options)
        self._device = machine.stack.enter_context(mounted)

    def strike(self, _machine: Machine) -> None:
        ext4_error(self._device)


STOPS = Ext4("errors=remount-ro")

WAYS = (
    Way(
        "read-only",
        "the kernel makes an ext4 read-only after an error",
        "HostFilesystemReadOnly",
        STOPS.strike,
        STOPS.prepare,
        real=True,
    ),
)
