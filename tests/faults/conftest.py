"""The machine that the tests of slow collectors break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.slow_files import Machine
from tests.machines import copy_fixture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(copy_fixture("laptop", tmp_path))
    yield machine
    machine.release()
