"""How ``make`` handles a Python that does not run, and Ctrl-C in ``make load``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOAD = ROOT / "tests" / "tools" / "load.py"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Makefile and /proc")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_for_children(pid: int) -> list[int]:
    deadline = time.monotonic() + 20
    while len(found := _children(pid)) < (os.cpu_count() or 1):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


@pytest.mark.load
@pytest.mark.parametrize("settled", [False, True], ids=["at once", "busy"])
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_the_load_ends_quietly_and_leaves_nothing_running(how: str, settled: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, LOAD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        children = _wait_for_children(process.pid)
        time.sleep(0.5 if settled else 0.01)  # a moment for the process that starts them
        if how == "Ctrl-C":
            os.killpg(process.pid, signal.SIGINT)  # like a terminal, to all of them
        else:
            process.terminate()
        _, error = process.communicate(timeout=20)
        assert (process.returncode, error) == (0, "")
        assert not [child for child in children if Path(f"/proc/{child}").exists()]
    finally:
        with suppress(ProcessLookupError):  # none of them is left
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_a_python_that_does_not_run_is_called_that() -> None:
    make = ["make", "--dry-run", "--no-print-directory", "run"]
    result = subprocess.run([*make, "PYTHON=/nope"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "/nope does not run" in line
    assert "another Python" not in line
    # The Python that made .venv, if there is one, is accepted.
    result = subprocess.run([*make, f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "does not run" not in result.stderr
