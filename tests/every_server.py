"""Tests that start servers of every kind and never end; killed.py kills the pytest that runs one of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.digits.support import Gunicorn
from tests.stack.support import make_chain
from tests.support import Exporter, Load
from tests.support_browser import chromium
from tests.support_desktop import xvfb

if TYPE_CHECKING:
    from pathlib import Path

READY = "READY_FILE"
"""The variable with the path of the file that is written once all of them are running. It holds the orphan's PID."""

# In its own session, and its parent has exited, so neither a process group nor the process tree leads to it.
ORPHAN = """
import subprocess
child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL)
print(child.pid)
"""

SMALL = """
def answer(environ, start):
    start("200 OK", [])
    return [b"ok"]
"""


def wait(folder: Path) -> None:
    """Start the orphan, report that everything is running, and wait to be killed."""
    orphan = subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, check=True)
    part = folder / "ready"
    part.write_bytes(orphan.stdout)
    part.rename(os.environ[READY])
    time.sleep(600)


def test_servers(tmp_path: Path) -> None:
    with ExitStack() as servers:
        servers.enter_context(Exporter())
        servers.enter_context(Load(1, seconds=600, duty=0.1))
        servers.enter_context(make_chain(tmp_path / "chain"))
        (tmp_path / "small.py").write_text(SMALL)  # the example would train its model first
        servers.enter_context(Gunicorn(tmp_path, "small:answer", tmp_path, workers=2))
        servers.enter_context(chromium())
        servers.enter_context(xvfb())
        wait(tmp_path)


def test_docker_engine(tmp_path: Path) -> None:
    from tests.compose.engine import Engine

    with Engine(tmp_path):
        wait(tmp_path)
