"""CSV and JSON Lines from real runs: the rows, repeated runs, and files of somebody else."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from exporter.render.rows import COLUMNS
from tests.support import COMMAND, Exporter, run, wait_for
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

NAMES = list(COLUMNS)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = list(reader)
    assert reader.fieldnames == NAMES
    assert all(None not in row for row in rows), "no row has more values than there are columns"
    return rows


def read_jsonl(path: Path) -> list[dict[str, object]]:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_watch_once_writes_one_row_with_the_documented_columns(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    begin = time.time()
    result = run("watch", "--once", "--export-csv", str(table), "--export-jsonl", str(objects))
    end = time.time()
    assert (result.returncode, result.stderr) == (0, "")
    assert table.read_text(encoding="utf-8").splitlines()[0] == ",".join(NAMES)
    (row,), (entry,) = read_csv(table), read_jsonl(objects)
    assert list(entry) == NAMES
    for name in NAMES:
        known = entry[name]
        assert row[name] == ("" if known is None else str(int(known) if isinstance(known, bool) else known))

    assert TIME.fullmatch(row["time"])
    taken = datetime.fromisoformat(row["time"])
    assert taken.tzinfo == UTC
    assert begin - 1 <= taken.timestamp() <= end + 1
    assert row["level"] in {"ok", "warning", "critical"}
    assert 0 <= float(row["cpu_usage_ratio"]) <= 1
    assert int(row["memory_total_bytes"]) > 0
    assert int(row["processes"]) > 1


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
@pytest.mark.parametrize("name", ["same", "./same", *(["link/same", "other"] if os.name == "posix" else [])])
def test_one_file_for_both_is_refused_and_nothing_is_written(tmp_path: Path, name: str, there: bool) -> None:
    if os.name == "posix":  # Windows lets only administrators make links
        (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "other").symlink_to(tmp_path / "same")
    if there:
        (tmp_path / "same").touch()
    before = sorted(tmp_path.iterdir())
    for command in (("watch", "--once"), ("serve", "--port", str(free_port()))):
        flags = ("--export-csv", str(tmp_path / "same"), "--export-jsonl", f"{tmp_path}/{name}")
        result = run(*command, *flags)
        assert (result.returncode, result.stdout) == (2, "")
        (line,) = result.stderr.splitlines()
        assert "--export-csv and --export-jsonl are the same file" in line
    assert sorted(tmp_path.iterdir()) == before
    assert not there or (tmp_path / "same").read_bytes() == b""


@pytest.mark.skipif(os.name != "posix", reason="Windows kills a process where others ask it to stop")
def test_watch_writes_a_row_for_each_line_it_shows(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    process = subprocess.Popen(
        [*COMMAND, "watch", "--interval", "0.5", "--export-csv", str(table)], stdout=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: lines(table) >= 4, 30)
    finally:
        process.terminate()
        out, _ = process.communicate(timeout=15)
    assert process.returncode == 0
    assert [row["time"] for row in read_csv(table)] == [line.partition(" ")[0] for line in out.splitlines()]


@pytest.mark.skipif(os.name != "posix", reason="Windows kills a process where others ask it to stop")
def test_serve_writes_in_the_background_what_it_serves(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    args = ("--export-csv", str(table), "--export-jsonl", str(objects), "--interval", "0.5")
    with Exporter(*args) as exporter:
        wait_for(lambda: lines(table) >= 5 and lines(objects) >= 4, 30)
        total = exporter.samples().value("host_memory_total_bytes")
        assert exporter.stop() == 0
        assert len(exporter.log.splitlines()) == 2
    rows, entries = read_csv(table), read_jsonl(objects)
    assert [row["time"] for row in rows] == [entry["time"] for entry in entries]
    times = [row["time"] for row in rows]
    assert times == sorted(set(times))
    assert total is not None
    assert {int(row["memory_total_bytes"]) for row in rows} == {int(total)}


def test_the_variables_name_the_files_too(tmp_path: Path) -> None:
    env = {
        "HOST_EXPORTER_EXPORT_CSV": str(tmp_path / "rows.csv"),
        "HOST_EXPORTER_EXPORT_JSONL": str(tmp_path / "rows.jsonl"),
    }
    assert run("watch", "--once", env=env).returncode == 0
    assert len(read_csv(tmp_path / "rows.csv")) == len(read_jsonl(tmp_path / "rows.jsonl")) == 1


def test_the_header_is_written_once_over_several_runs(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    for _ in range(3):
        result = run("watch", "--once", "--export-csv", str(table), "--export-jsonl", str(objects))
        assert (result.returncode, result.stderr) == (0, "")
    assert lines(table) == 4
    assert table.read_text().count("time,") == 1
    assert len(read_csv(table)) == len(read_jsonl(objects)) == 3


def test_an_empty_file_gets_the_header(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.touch()
    assert run("watch", "--once", "--export-csv", str(table)).returncode == 0
    assert len(read_csv(table)) == 1


def test_a_header_with_windows_line_endings_is_accepted(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_bytes((",".join(NAMES) + "\r\n").encode())
    assert run("watch", "--once", "--export-csv", str(table)).returncode == 0
    assert len(read_csv(table)) == 1


OTHER_FILES = {
    "--export-csv": [
        b"time,other\n1,2\n",
        b"time,other",
        ",".join(reversed(NAMES)).encode() + b"\n",
        ",".join(NAMES).encode() + b",more\n",
        ",".join(NAMES[:-1]).encode() + b"\n1,2\n",
        b"\n",
        b"\xff\xfe\x00binary\x00",
        b'{"time": "2026-01-01T00:00:00.000Z"}\n',
        b"x" * 200_000,
    ],
    "--export-jsonl": [
        b'{"other": 1}\n',
        b'{"other": 1}',
        b'{"time": 1, "other": 2}\n',
        b"[1, 2]\n",
        b"null\n",
        b"\n",
        b"notes of mine",
        b"\xff\xfe\x00binary\x00",
        ",".join(NAMES).encode() + b"\n",
        b'{"' + b"x" * 200_000,
    ],
}


@pytest.mark.parametrize(
    ("flag", "content"),
    [(flag, content) for flag, contents in OTHER_FILES.items() for content in contents],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else value,
)
def test_a_file_with_different_columns_is_refused_and_left_unchanged(tmp_path: Path, flag: str, content: bytes) -> None:
    path = tmp_path / "theirs"
    path.write_bytes(content)
    result = run("watch", "--once", flag, str(path))
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    for part in (flag, str(path), "other columns"):
        assert part in result.stderr
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "name", ["a, \"quoted\" 'name'", "Zürich 東京 🖥", "a=1+1;tab", "back\\slash,", '"', ",", " spaces "]
)
def test_names_survive_the_round_trip(tmp_path: Path, name: str) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    for _ in range(2):
        args = ("--hostname", name, "--export-csv", str(table), "--export-jsonl", str(objects))
        assert run("watch", "--once", *args).returncode == 0
    assert [row["hostname"] for row in read_csv(table)] == [name] * 2
    assert [entry["hostname"] for entry in read_jsonl(objects)] == [name] * 2


@pytest.mark.skipif(os.name != "posix", reason="POSIX appends whole")
def test_two_exporters_appending_to_one_file_keep_whole_lines(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    args = ("--export-csv", str(table), "--export-jsonl", str(objects), "--interval", "0.5")
    with Exporter("--hostname", "first", *args) as first, Exporter("--hostname", "second", *args) as second:
        wait_for(lambda: lines(table) >= 9 and lines(objects) >= 8, 30)
        assert first.stop() == second.stop() == 0
    for hostnames in ([row["hostname"] for row in read_csv(table)], [e["hostname"] for e in read_jsonl(objects)]):
        assert set(hostnames) == {"first", "second"}
        assert len(hostnames) >= 8


WRITER = """
import sys
from exporter.recording.recorder import open_exports
from exporter.render.rows import COLUMNS
files = open_exports(sys.argv[1], sys.argv[2])
row = dict.fromkeys(COLUMNS, 0.25)
print("writing", flush=True)
while True:
    for file in files:
        file.append({**row, "time": "2026-01-31T08:05:00.250Z", "hostname": 'a, "b" ' + "ü" * 50})
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_kill_in_the_middle_of_fast_writing_leaves_whole_lines_after_the_next_start(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    for turn in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(table), str(objects)], stdout=subprocess.PIPE, text=True
        )
        try:
            assert writer.stdout
            assert writer.stdout.readline() == "writing\n"
            time.sleep(0.01 + 0.013 * turn)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        assert run("watch", "--once", "--export-csv", str(table), "--export-jsonl", str(objects)).returncode == 0
    for rows in (read_csv(table), read_jsonl(objects)):
        assert len(rows) > 10
        whole = [row for row in rows if None not in row.values() or "cpu_usage_ratio" in row]
        assert len(whole) >= len(rows) - 5, "at most the row being written is incomplete"
        assert sum(row["hostname"] != 'a, "b" ' + "ü" * 50 for row in whole) <= 5
