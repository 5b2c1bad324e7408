"""A file locked by another program does not block the exporter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support import Exporter

if TYPE_CHECKING:
    from pathlib import Path


def test_a_locked_file_delays_neither_start_nor_exit(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "rows.csv"
    with path.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with Exporter("--export-csv", str(path), "--interval", "0.5") as exporter:
            assert exporter.get("/-/healthy").status == 200
            time.sleep(2)
            start = time.monotonic()
            assert exporter.stop() == 0
            assert time.monotonic() - start < 5
    assert f"cannot write {path}: locked by another program" in exporter.log
    assert "rows lost because they could not be written: " in exporter.log


def test_rows_that_waited_for_the_lock_are_written(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "rows.csv"
    with path.open("a") as held, Exporter("--export-csv", str(path), "--interval", "0.5") as exporter:
        fcntl.flock(held, fcntl.LOCK_EX)
        time.sleep(2.5)
        fcntl.flock(held, fcntl.LOCK_UN)
        time.sleep(2)
        exporter.stop()
    assert len(path.read_text().splitlines()) >= 5
    assert "no rows lost" in exporter.log
