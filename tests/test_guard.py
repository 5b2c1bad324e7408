"""A killed pytest leaves no server running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests import guard
from tests.every_server import READY
from tests.guard import VARIABLE, ended
from tests.support import wait_for
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the servers are those of Linux")

KINDS = {"exporter", "prometheus", "alertmanager", "gunicorn", "chromium", "Xvfb"}


def running(processes: list[psutil.Process]) -> list[list[str]]:
    """Return the command lines of those that have not ended."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # just now
            found += [process.cmdline()] if not ended(process) else []
    return found


@pytest.mark.parametrize("killed", ["pytest", "pytest with workers", "a worker"])
def test_a_killed_pytest_leaves_no_server(tmp_path: Path, killed: str) -> None:
    workers = [] if killed == "pytest" else ["-n1"]
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/every_server.py", *workers]
    with (tmp_path / "log").open("w+") as log:
        tests = subprocess.Popen(
            [*command, f"--basetemp={tmp_path / 'inner'}"],
            cwd=ROOT, env={**os.environ, READY: str(ready)}, stdout=log, stderr=log,
        )  # fmt: skip
        wait_for(lambda: ready.exists() or tests.poll() is not None, 90, (tmp_path / "log").read_text)
        assert ready.exists(), (tmp_path / "log").read_text()
    below = psutil.Process(tests.pid).children(recursive=True)
    orphan = psutil.Process(int(ready.read_text()))
    assert orphan not in below
    lines = [" ".join(line) for line in running(below)]
    assert {kind for kind in KINDS if any(kind in line for line in lines)} == KINDS

    (worker,) = [p for p in below if "stdin.readline" in " ".join(p.cmdline())] if workers else [None]
    if killed == "a worker":
        assert worker
        worker.kill()
        below = [process for process in below if worker in process.parents()]
    else:
        tests.send_signal(signal.SIGKILL)
    wait_for(lambda: running([*below, orphan]) == [], 30, lambda: f"still running: {running([*below, orphan])}")
    # With a worker that is killed, the test has failed; pytest itself comes to its end.
    assert tests.wait(30) == (1 if killed == "a worker" else -signal.SIGKILL)


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
