"""The the Host dashboard names a program that used up the machine and has long exited."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.dashboards.boards import fill, queries
from tests.dashboards.conftest import History
from tests.stack.support import make_chain
from tests.support import Load, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUERIES = [query for query in queries() if query.board == "host"]
SECONDS = 15
EATER = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass\n"


@pytest.fixture
def eaten(tmp_path: Path) -> Iterator[tuple[History, float, float, float]]:
    """A history in which a program kept a core busy, when it started and ended, and the cores that it got."""
    with make_chain(tmp_path) as chain:
        history = History(chain.urls["prometheus"], chain.urls["exporter"].removeprefix("http://"), "")
        eventually(lambda: history.instant("host_top_process_cpu_cores"))
        script = tmp_path / "eater.py"
        script.write_text(EATER)
        begin = time.time()
        with Load(command=[sys.executable, str(script)]) as load:
            time.sleep(SECONDS)
            used = psutil.Process(load.processes[0].pid).cpu_times()
            end = time.time()
        time.sleep(4)  # scrapes without it
        yield history, begin, end, (used.user + used.system) / (end - begin)


@pytest.mark.load
def test_the_program_that_ate_the_machine_comes_first_after_it_is_gone(
    eaten: tuple[History, float, float, float],
) -> None:
    history, begin, end, cores = eaten
    instance = history.exporter
    table = next(q for q in QUERIES if q.panel == "Programs in this period" and q.ref == "A")
    first = history.instant(fill(table.expr, instance=instance, seconds=end - begin), end)[0]
    assert first["metric"]["name"].endswith(" eater.py")
    # On a busy machine it does not get a whole core. The first sample that has it may come a second late.
    assert 0.6 * cores < float(first["value"][1]) <= 1.1 * cores, "cores, averaged over the whole range"
    first_place = next(q for q in QUERIES if q.panel == "Top processes by CPU")
    lines = history.range(fill(first_place.expr, instance=instance, seconds=end - begin), begin, end)
    assert [line["metric"]["name"].endswith(" eater.py") for line in lines] == [True]
    now = history.instant(f'host_top_process_cpu_cores{{instance="{instance}", name=~".+eater.py"}}')
    assert now == [], "it has exited"
