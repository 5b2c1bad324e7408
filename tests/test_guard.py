"""A killed pytest leaves no server running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import guard
from tests.guard import VARIABLE
from tests.killed import InnerTests
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the servers are those of Linux")

KINDS = {"exporter", "prometheus", "alertmanager", "gunicorn", "chromium", "Xvfb"}


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["pytest", "with workers"])
def test_a_killed_pytest_leaves_no_server(tmp_path: Path, workers: list[str]) -> None:
    with InnerTests(tmp_path, "test_servers", *workers) as tests:
        assert tests.orphan not in tests.below
        assert tests.kinds(*KINDS) == KINDS
        tests.process.kill()
        tests.wait_for_the_end(tests.below)


def test_a_killed_worker_leaves_no_server(tmp_path: Path) -> None:
    with InnerTests(tmp_path, "test_servers", "-n1") as tests:
        (worker,) = [process for process in tests.below if "stdin.readline" in " ".join(process.cmdline())]
        below = [process for process in tests.below if worker in process.parents()]
        assert tests.kinds(*KINDS) == KINDS
        worker.kill()
        tests.wait_for_the_end(below)
        assert tests.process.wait(30) == 1  # its test has failed; pytest itself comes to its end


def test_those_that_do_not_stop_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 1)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    marked = {**os.environ, VARIABLE: f"{os.environ[VARIABLE]} only-this"}
    with (
        subprocess.Popen([sys.executable, "-c", program], env=marked, stdout=subprocess.PIPE) as stubborn,
        subprocess.Popen(["sleep", "600"]) as other,
    ):
        assert stubborn.stdout
        stubborn.stdout.readline()
        guard.stop("only-this")
        assert stubborn.wait(10) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("workers", [[], ["-n1"]], ids=["pytest", "with workers"])
def test_signals_that_pytest_ignores_reach_what_it_starts(tmp_path: Path, workers: list[str]) -> None:
    """As in the background of a script, and under nohup."""
    module = tmp_path / "test_inner.py"
    module.write_text(INNER)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.conftest", *workers, str(module)]
    ignoring = ["sh", "-c", "trap '' INT QUIT HUP; exec \"$@\"", "sh"]
    done = subprocess.run([*ignoring, *command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


INNER = """
import os, signal, subprocess, pytest

@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT", "SIGHUP"])
def test_it_ends(name):
    with subprocess.Popen(["sleep", "60"]) as process:
        process.send_signal(signal.Signals[name])
        assert process.wait(10) == -signal.Signals[name]
"""
