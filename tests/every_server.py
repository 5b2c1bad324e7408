"""A test that starts each kind of server and never ends. test_guard.py kills the pytest that runs it."""

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
"""The variable with the path of the file that is written when all of them run. It holds the PID of the orphan."""


ORPHAN = """
import subprocess
child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=subprocess.DEVNULL)
print(child.pid)
"""


def test_it_waits_with_all_of_them_running(tmp_path: Path) -> None:
    with ExitStack() as servers:
        servers.enter_context(Exporter())
        servers.enter_context(Load(1, seconds=600, duty=0.1))
        servers.enter_context(make_chain(tmp_path / "chain"))
        servers.enter_context(Gunicorn(tmp_path, workers=2))
        servers.enter_context(chromium())
        servers.enter_context(xvfb())
        # One in a session of its own, whose parent has ended: neither a group nor a tree of processes leads to it.
        orphan = subprocess.run([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, check=True)
        part = tmp_path / "ready"
        part.write_bytes(orphan.stdout)
        part.rename(os.environ[READY])
        time.sleep(600)
