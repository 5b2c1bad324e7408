"""The clock is set back by a day, for the exporter only, while it is running and recording.

The kernel's boot time, host_boot_time_seconds, would move with the clock; on Linux nothing is computed from it.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from exporter.families import BELOW_ZERO
from tests.faults.support import Scrape, needs_linux, tell
from tests.support import COMMAND, Exporter, Load, Samples, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_linux
DAY = 86_400


# Not libfaketime: with it, clock_nanosleep(2) fails with EINVAL while the clock is set back, unlike in any kernel.
FAKED = """
import sys, time
from pathlib import Path
offset, real = Path(sys.argv.pop(1)), time.time
time.time = lambda: real() + float(offset.read_text())
from exporter.__main__ import main
main()
"""


def faked(offset: Path, *args: str) -> Exporter:
    """Return an exporter whose wall clock (and nothing else) is off by the number of seconds in a file."""
    exporter = Exporter(*args)
    exporter._command = [sys.executable, "-c", FAKED, str(offset), *exporter._command[len(COMMAND) :]]
    return exporter


def negative(samples: Samples) -> set[str]:
    """Return the metrics with a value below 0; temperatures and the clock's offset may be."""
    return {each.name for each in samples.samples if each.value < 0 and not each.name.endswith(BELOW_ZERO)}


def test_a_clock_that_is_set_back_a_day_changes_no_rate_and_stops_no_export(tmp_path: Path) -> None:
    clock, rows = tmp_path / "clock", tmp_path / "rows.csv"
    clock.write_text("+0\n")
    export = ("--export-csv", str(rows), "--interval", "0.5")
    with Load(), faked(clock, "--max-age", "0", *export) as exporter:
        wait_for(lambda: rows.read_text().count("\n") >= 4)
        before = Scrape.of(exporter)
        later = tmp_path / "later"
        later.write_text(f"-{DAY}\n")
        later.rename(clock)  # atomically, because it is being read
        time.sleep(0.6)
        written = rows.read_text().count("\n")
        after = []
        for _ in range(4):
            after.append(Scrape.of(exporter))
            time.sleep(0.6)
        stats = exporter.get("/api/stats").text
        wait_for(lambda: rows.read_text().count("\n") >= written + 3)
        assert exporter.stop() == 0
    dates = sorted({line[:10] for line in rows.read_text().splitlines()[1:]})
    assert len(dates) == 2, "the clock was really set back"
    assert f'"{dates[0]}' in stats
    uptime, shares = before.value("host_uptime_seconds"), [each.value("host_cpu_usage_ratio") for each in after]
    assert uptime is not None
    for scrape in after:
        assert negative(scrape.samples) == set()
        assert scrape.failing() == set()
        since = scrape.value("host_uptime_seconds")
        assert since is not None
        assert 0 < since - uptime < 60
    cores = [max(_cores(scrape)) for scrape in after]
    tell(
        "clock set back a day",
        cpu_share_after=[f"{share:.2f}" for share in shares if share is not None],
        busiest_program_in_cores=[f"{each:.2f}" for each in cores],
        rows_written_on=rows.read_text().count("\n") - written,
    )
    assert all(share is not None and 0 < share <= 1 for share in shares)
    assert all(0.2 < each < (os.cpu_count() or 1) + 0.1 for each in cores)
    assert "Traceback" not in exporter.log


def _cores(scrape: Scrape) -> list[float]:
    return [s.value for s in scrape.samples.samples if s.name == "host_top_process_cpu_cores"]
