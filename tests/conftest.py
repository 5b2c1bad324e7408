"""Fixtures for all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support import Exporter

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    """The real exporter on this machine, with its defaults."""
    with Exporter() as running:
        yield running


@pytest.fixture(autouse=True)
def own_proc() -> Iterator[None]:
    """Give psutil this machine's /proc back: a machine opened with a rootfs redirects it for the process."""
    yield
    if hasattr(psutil, "PROCFS_PATH"):
        psutil.PROCFS_PATH = "/proc"


def pytest_configure() -> None:
    # Settings of the person who runs the tests must not change them.
    for name in [name for name in os.environ if name.startswith("HOST_EXPORTER_")]:
        del os.environ[name]
