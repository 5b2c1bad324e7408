"""The fixture machines, and machines of other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machines import FixtureMachine
from tests.other_systems import MacOs, Windows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureMachine:
    """A Linux laptop with every kind of hardware."""
    return FixtureMachine("laptop", tmp_path, monkeypatch)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureMachine:
    """A small virtual machine: no battery, sensors, pressure files, swap or load averages."""
    return FixtureMachine("server", tmp_path, monkeypatch)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """A Windows desktop, as psutil reports it."""
    return Windows(monkeypatch)


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> MacOs:
    """A macOS laptop, as psutil reports it."""
    return MacOs(monkeypatch)
