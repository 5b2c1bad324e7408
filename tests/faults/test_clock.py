"""The clock is set back: by a day, for the exporter alone (libfaketime), while it runs and writes a file."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from tests.faults.support import Scrape, needs_linux, tell, wait_for
from tests.support import Exporter, Load, Samples
from tests.support_servers import missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_linux
DAY = 86_400


def faked(offset_file: Path) -> dict[str, str]:
    """Return the variables with which a program takes its clock from a file ("+0", "-86400")."""
    machine = os.uname().machine
    places = (
        f"/usr/lib/{machine}-linux-gnu/faketime",
        "/usr/lib/faketime",
        "/usr/lib64/faketime",
        "/usr/local/lib/faketime",
    )
    found = [path for place in places if os.path.exists(path := f"{place}/libfaketimeMT.so.1")]
    if not found:
        missing("libfaketime is not installed (libfaketime)")
    return {
        "LD_PRELOAD": found[0],
        "FAKETIME_TIMESTAMP_FILE": str(offset_file),
        "FAKETIME_NO_CACHE": "1",
        # As the kernel does: settimeofday(2) leaves CLOCK_MONOTONIC alone.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def negative(samples: Samples) -> set[str]:
    """Return the metrics with a value below 0; frost is no fault."""
    return {sample.name for sample in samples.samples if sample.value < 0 and "celsius" not in sample.name}


def test_a_clock_that_is_set_back_a_day_changes_no_rate_and_stops_no_export(tmp_path: Path) -> None:
    clock, rows = tmp_path / "clock", tmp_path / "rows.csv"
    clock.write_text("+0\n")
    export = ("--export-csv", str(rows), "--interval", "0.5")
    with Load(), Exporter("--max-age", "0", *export, env=faked(clock)) as exporter:
        wait_for(lambda: rows.read_text().count("\n") >= 4)
        before = Scrape.of(exporter)
        clock.write_text(f"-{DAY}\n")
        time.sleep(0.6)
        written = rows.read_text().count("\n")
        after = []
        for _ in range(4):
            after.append(Scrape.of(exporter))
            time.sleep(0.6)
        stats = exporter.get("/api/stats").text
        wait_for(lambda: rows.read_text().count("\n") >= written + 3)
        # libfaketime lets clock_nanosleep(2) fail with EINVAL while it holds a clock back, which no kernel does.
        clock.write_text("+0\n")
        time.sleep(0.1)
        assert exporter.stop() == 0
    dates = sorted({line[:10] for line in rows.read_text().splitlines()[1:]})
    assert len(dates) == 2, "the clock was set back indeed"
    assert f'"{dates[0]}' in stats
    uptime, shares = before.value("host_uptime_seconds"), [each.value("host_cpu_usage_ratio") for each in after]
    assert uptime is not None
    for scrape in after:
        assert negative(scrape.samples) == set()
        assert scrape.failing() == set()
        later = scrape.value("host_uptime_seconds")
        assert later is not None
        assert 0 < later - uptime < 60
        assert scrape.value("host_boot_time_seconds") == before.value("host_boot_time_seconds")
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
