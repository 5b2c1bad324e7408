"""A real systemd boots after a shutdown and after a power cut: its own records tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.host import Host
from exporter.sources.shutdowns import last_shutdown_was_clean
from tests.packaging.machine import Machine

if TYPE_CHECKING:
    from pathlib import Path


def clean(machine: Machine) -> bool | None:
    """Return what its records say of the boot before; they are found without knowing when it booted."""
    return last_shutdown_was_clean(Host(machine.inside), None)


def test_a_shutdown_is_told_from_a_power_cut(tmp_path: Path) -> None:
    with Machine(tmp_path) as machine:
        assert clean(machine) is None, "nothing is known before the first boot"
    with Machine(tmp_path) as machine:
        assert clean(machine) is True
        machine.kill()
    with Machine(tmp_path) as machine:
        assert clean(machine) is False
