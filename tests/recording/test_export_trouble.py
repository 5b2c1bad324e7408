"""Full disks and vanished folders: reported once and retried, with no row lost or half-written."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from exporter.recording.file import ExportFile
from exporter.recording.formats import CsvFormat, JsonLinesFormat
from exporter.render.rows import COLUMNS
from tests.recording.test_export import lines, read_csv, read_jsonl
from tests.support import Exporter, run, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.render.rows import Value

FORMS = [CsvFormat(), JsonLinesFormat()]
NEEDS_FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


def _row(number: int) -> dict[str, Value]:
    return {**dict.fromkeys(COLUMNS), "time": "2026-01-31T08:05:00.250Z", "hostname": "h, ü" * 30, "processes": number}


def _numbers(path: Path, form: CsvFormat | JsonLinesFormat) -> list[int]:
    rows = read_csv(path) if isinstance(form, CsvFormat) else read_jsonl(path)
    return [int(str(row["processes"])) for row in rows]


@NEEDS_FULL
@pytest.mark.parametrize("flag", ["--export-csv", "--export-jsonl"])
def test_serve_reports_a_full_disk_once_and_survives_it(flag: str) -> None:
    with Exporter(flag, "/dev/full", "--interval", "0.5") as exporter:
        times: set[float | None] = set()
        while len(times) < 4:  # samples, so at least as many rows that were tried
            times.add(exporter.samples().value("host_uptime_seconds"))
        assert exporter.get("/").status == 200
        assert exporter.stop() == 0
        log = exporter.log
    said = [line for line in log.splitlines() if "/dev/full" in line]
    assert len(said) == 2, log
    assert os.strerror(errno.ENOSPC) in said[0]
    assert "rows lost because they could not be written: " in said[1]
    assert "Traceback" not in log


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="makes a small pipe")
def test_a_pipe_that_nobody_reads_does_not_block_the_exit(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    try:
        fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(end, False)
        with suppress(BlockingIOError):
            while os.write(end, b" "):
                pass
        with Exporter("--export-jsonl", str(pipe), "--interval", "0.5") as exporter:
            time.sleep(1)
            assert exporter.get("/").status == 200
            assert exporter.stop() == 0
        assert f"{pipe}: a write has blocked for 5 s" in exporter.log
        assert "Traceback" not in exporter.log
    finally:
        os.close(end)


@NEEDS_FULL
def test_watch_reports_a_full_disk_and_survives_it() -> None:
    result = run("watch", "--once", "--export-csv", "/dev/full", "--export-jsonl", "/dev/full")
    assert result.returncode == 1  # lets a cron job notice
    assert len(result.stdout.splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert os.strerror(errno.ENOSPC) in result.stderr


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real filesystem of 64 KiB."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a tiny filesystem needs root on Linux")
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        reason = f"mounting a tiny filesystem was refused: {mounted.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _fill(folder: Path) -> Path:
    """Fill a filesystem to the last byte, and return the file that does so."""

    def write_on() -> None:
        while True:
            file.write(b"x" * 512)

    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file, pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write_on()
    return ballast


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.flag)
def test_rows_wait_while_the_disk_is_full_and_are_all_written_once_it_has_room(
    tiny_disk: Path, form: CsvFormat | JsonLinesFormat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="exporter")
    path = tiny_disk / "rows"
    file = ExportFile(str(path), form)
    file.check()
    for number in range(5):
        file.append(_row(number))
    ballast = _fill(tiny_disk)
    for number in range(5, 40):  # more than fits into the rest of the file's last page
        file.append(_row(number))
        assert path.read_bytes().endswith(b"\n"), "never half a row"
    assert len(_numbers(path, form)) < 40, "the disk was full indeed"
    assert len(caplog.messages) == 1
    ballast.unlink()
    file.append(_row(40))
    assert _numbers(path, form) == list(range(41))
    assert caplog.messages[1:] == [f"{path} can be written again, no rows lost"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.flag)
def test_a_disk_that_is_full_at_the_start_gets_its_rows_later(
    tiny_disk: Path, form: CsvFormat | JsonLinesFormat
) -> None:
    ballast = _fill(tiny_disk)
    path = tiny_disk / "rows"
    file = ExportFile(str(path), form)
    file.check()
    for number in range(3):
        file.append(_row(number))
    assert path.read_bytes() == b""
    ballast.unlink()
    file.append(_row(3))
    assert _numbers(path, form) == [0, 1, 2, 3]


def test_the_real_exporter_keeps_running_while_its_disk_is_full(tiny_disk: Path) -> None:
    path = tiny_disk / "rows.csv"
    with Exporter("--export-csv", str(path), "--interval", "0.5") as exporter:
        wait_for(lambda: lines(path) >= 2, 30)
        ballast = _fill(tiny_disk)
        # The file's last page of 4 KiB has room for another dozen rows.
        filled = path.stat().st_size
        with path.open("ab", buffering=0) as padding:
            padding.write(b"\n" * (4096 - filled % 4096))
        assert exporter.samples().value("host_memory_total_bytes")
        wait_for(lambda: not _grows(path, exporter), 30)
        ballast.unlink()
        size = path.stat().st_size
        wait_for(lambda: path.stat().st_size > size, 30)
        assert exporter.stop() == 0
        assert "can be written again, no rows lost" in exporter.log
        assert exporter.log.count(os.strerror(errno.ENOSPC)) == 1
    times = [row["time"] for row in read_csv(path)]
    assert times == sorted(set(times))


def _grows(path: Path, exporter: Exporter) -> bool:
    """Return whether the file grew while the exporter took two more samples."""
    size = path.stat().st_size
    for _ in range(2):
        taken = exporter.samples().value("host_uptime_seconds")
        wait_for(lambda taken=taken: exporter.samples().value("host_uptime_seconds") != taken, 30)  # type: ignore[misc]
    return path.stat().st_size != size


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.flag)
def test_a_vanished_folder_is_reported_once_and_rows_resume_when_it_is_back(
    tmp_path: Path, form: CsvFormat | JsonLinesFormat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="exporter")
    folder = tmp_path / "gone"
    folder.mkdir()
    path = folder / "rows"
    file = ExportFile(str(path), form)
    file.check()
    file.append(_row(0))
    folder.rename(tmp_path / "elsewhere")
    for number in range(1, 4):
        file.append(_row(number))
    assert len(caplog.messages) == 1
    assert os.strerror(errno.ENOENT) in caplog.text
    folder.mkdir()
    file.append(_row(4))
    assert _numbers(path, form) == [1, 2, 3, 4]
    assert _numbers(tmp_path / "elsewhere" / "rows", form) == [0]
    assert len(caplog.messages) == 2


@pytest.mark.skipif(os.name != "posix", reason="Windows kills a process where others ask it to stop")
def test_a_folder_that_vanishes_under_serve_costs_no_response(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    path = folder / "rows.csv"
    with Exporter("--export-csv", str(path), "--interval", "0.5") as exporter:
        wait_for(lambda: lines(path) >= 2, 30)
        folder.rename(tmp_path / "elsewhere")
        assert not path.exists()
        assert exporter.samples().value("host_memory_total_bytes")
        folder.mkdir()
        wait_for(lambda: lines(path) >= 3, 30)
        assert exporter.get("/-/ready").status == 200
        assert exporter.stop() == 0
    assert "Traceback" not in exporter.log
    times = [row["time"] for row in [*read_csv(tmp_path / "elsewhere" / "rows.csv"), *read_csv(path)]]
    assert times == sorted(set(times))


def test_a_file_that_is_moved_away_is_started_again(tmp_path: Path) -> None:
    """Log rotation: the old file keeps its rows, the new one has a header."""
    path, form = tmp_path / "rows.csv", CsvFormat()
    file = ExportFile(str(path), form)
    for number in range(4):
        if number == 2:
            path.rename(tmp_path / "rows.csv.1")
        file.append(_row(number))
    assert _numbers(tmp_path / "rows.csv.1", form) == [0, 1]
    assert _numbers(path, form) == [2, 3]


def test_rows_are_not_appended_to_a_foreign_replacement_of_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rows.csv"
    file = ExportFile(str(path), CsvFormat())
    file.append(_row(0))
    path.unlink()
    path.write_text("mine,alone\n1,2\n")
    for number in range(1, 3):
        file.append(_row(number))
    assert path.read_text() == "mine,alone\n1,2\n"
    assert len(caplog.messages) == 1
    assert "other columns" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="POSIX appends whole")
def test_exporters_that_create_a_file_at_the_same_moment_write_one_header(tmp_path: Path) -> None:
    for turn in range(50):
        path = tmp_path / f"{turn}.csv"
        files = [ExportFile(str(path), CsvFormat()) for _ in range(4)]
        moment = threading.Barrier(len(files))

        def begin(file: ExportFile, moment: threading.Barrier = moment) -> None:
            moment.wait(30)
            file.check()
            file.append(_row(1))

        starters = [threading.Thread(target=begin, args=(file,)) for file in files]
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join(30)
        assert _numbers(path, CsvFormat()) == [1] * len(files)
