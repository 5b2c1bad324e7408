"""A full disk: rows are exported to an ext4 filesystem of 2 MiB.

tests/recording/test_export_trouble.py checks the rows byte by byte; this is about clients that ask in the meantime.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import subprocess
import time
from typing import TYPE_CHECKING

from tests.faults.support import Enclosed, Scrape, ms, needs_linux, needs_program, needs_root, tell
from tests.support import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_linux


def fill(folder: Path) -> Path:
    """Leave no byte free; return the file that fills the disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for step in (65536, 512):  # ext4 refuses a large write while there is still room for small ones
            with contextlib.suppress(OSError):
                while file.write(b"x" * step):
                    pass
    return ballast


def test_everybody_is_served_while_the_disk_of_the_export_is_full_and_no_row_is_lost(tmp_path: Path) -> None:
    needs_root("a mount")
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    image.write_bytes(bytes(2 << 20))
    subprocess.run([needs_program("mkfs.ext4", "e2fsprogs"), "-q", "-m", "0", str(image)], check=True)
    rows = folder / "rows.csv"
    arguments = ("--max-age", "0", "--export-csv", str(rows), "--interval", "0.5")
    with Enclosed(*arguments, setup=f"mount -o loop {image} {folder}") as exporter:
        inside = exporter.root / str(folder).lstrip("/")
        wait_for(lambda: (inside / "rows.csv").read_bytes().count(b"\n") >= 3)
        ballast = fill(inside)
        # The file's last block has some room left, too.
        with (inside / "rows.csv").open("ab", buffering=0) as file:
            file.write(b"\n" * (-(inside / "rows.csv").stat().st_size % os.statvfs(inside).f_frsize))
        begin = time.monotonic()
        scrapes, pages = [], []
        while time.monotonic() - begin < 5:
            scrapes.append(Scrape.of(exporter, timeout=10))
            pages.append(exporter.get("/").status)
            time.sleep(0.1)
        before = (inside / "rows.csv").read_bytes().count(b"\n")
        ballast.unlink()
        wait_for(lambda: (inside / "rows.csv").read_bytes().count(b"\n") >= before + 10)
        text = (inside / "rows.csv").read_text()
    assert exporter.process.returncode == 0
    assert exporter.log.count(os.strerror(errno.ENOSPC)) == 1
    assert "can be written again, no rows lost" in exporter.log
    assert "Traceback" not in exporter.log
    assert set(pages) == {200}
    assert all(scrape.failing() == set() for scrape in scrapes)
    assert scrapes[-1].value("host_filesystem_usage_ratio", mountpoint=str(folder)) == 1
    times = [row["time"] for row in csv.DictReader(line for line in text.splitlines() if line)]
    assert times == sorted(set(times))
    tell("disk full for 5 s", scrapes=len(scrapes), slowest=ms(max(s.seconds for s in scrapes)), rows_lost=0)
