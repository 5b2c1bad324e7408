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
    """A Linux laptop that has everything."""
    return FixtureMachine("laptop", tmp_path, monkeypatch)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureMachine:
    """A small virtual machine: no battery, sensors, pressure files, swap or load averages."""
    return FixtureMachine("server", tmp_path, monkeypatch)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """A desktop with Windows, as psutil shows it."""
    return Windows(monkeypatch)


@pytest.fixture
def macos(monkeypatch: pytest.MonkeyPatch) -> MacOs:
    """A laptop with macOS, as psutil shows it."""
    return MacOs(monkeypatch)
