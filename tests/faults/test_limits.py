"""Threads run out in a namespace that has a limit of its own (Linux 6.14), and what a container sees of the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from exporter.collectors import limits
from exporter.machine import open_machine
from exporter.settings import Settings
from exporter.sources.kernel_limits import PER_NAMESPACE
from tests.faults.support import Enclosed, Scrape, needs_linux, needs_program, needs_root, tell
from tests.support import fetch, wait_for
from tests.support_servers import missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_linux
OWN_LIMIT = sys.platform.startswith("linux") and tuple(map(int, os.uname().release.split(".")[:2])) >= PER_NAMESPACE
MOST = 1200
"""Threads that the namespace may have: far above what the machine has beside it."""

GREEDY = """
import sys, threading
threading.stack_size(65536)
forever = threading.Event()
for _ in range(int(sys.argv[1])):
    threading.Thread(target=forever.wait, daemon=True).start()
open(sys.argv[2], "w").close()
forever.wait()
"""

FROM_A_CONTAINER = """
import json, os
from dataclasses import asdict
from exporter.collectors import limits
from exporter.machine import open_machine
from exporter.settings import Settings
machine = open_machine(Settings())
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(json.dumps(asdict(limits.read(machine, None))))
"""


def test_a_program_that_takes_nearly_all_threads_is_named(tmp_path: Path) -> None:
    if not OWN_LIMIT:
        missing("this kernel has one limit for all namespaces, which a test must not lower")
    program, started = tmp_path / "greedy.py", tmp_path / "started"
    program.write_text(GREEDY)
    takes = MOST - 60
    setup = f"""echo {MOST} > /proc/sys/kernel/pid_max
{sys.executable} {program} {takes} {started} &
while [ ! -e {started} ]; do sleep 0.1; done"""
    with Enclosed("--max-age", "0", setup=setup) as exporter:
        scrape = Scrape.of(exporter)
        used, most = scrape.value("host_threads_used"), scrape.value("host_threads_limit")
        found = json.loads(fetch(f"{exporter.url}/api/stats").text)["findings"]
        (finding,) = [each for each in found if each["kind"] == "HostLimitNear"]
        assert most == MOST
        assert used is not None
        assert used > takes
        assert finding["level"] == "critical"
        assert finding["subject"] == "threads"
        assert f" greedy.py {takes + 1} threads" in finding["text"].replace("\u00a0", " ")
        assert scrape.failing() == set()
        tell("threads run out", used=used, limit=most, finding=finding["text"])
        greedy = exporter.pid  # the first child, as long as it runs
        os.kill(greedy, signal.SIGKILL)
        wait_for(lambda: exporter.pid != greedy)


def test_a_container_sees_the_machines_use_and_no_limit_of_its_own() -> None:
    """In PID and network namespaces of its own, as nobody, with the /proc of the machine."""
    needs_root("a namespace")
    outside = limits.read(open_machine(Settings()), None)
    unshare = [needs_program("unshare", "util-linux"), "--pid", "--net", "--fork"]
    done = subprocess.run(
        [*unshare, sys.executable, "-c", FROM_A_CONTAINER], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    inside = {each["resource"]: each for each in json.loads(done.stdout)["limits"]}
    assert outside is not None
    assert set(inside) == {each.resource for each in outside.limits}
    for each in outside.limits:
        known = None if each.resource == "threads" and OWN_LIMIT else each.limit
        assert inside[each.resource]["limit"] == known, each.resource
        if each.resource != "conntrack":  # any moment brings others of those
            assert inside[each.resource]["used"] > (each.used or 0) / 3, each.resource
    counts = json.loads(done.stdout)
    assert counts["tcp_retransmitted_segments"] >= (outside.tcp_retransmitted_segments or 0), "the machine's network"
