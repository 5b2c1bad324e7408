"""A last line truncated by a crash, at every byte: it is completed, later rows parse, and no value is invented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from exporter.recording.file import ExportFile
from exporter.recording.formats import CsvFormat, JsonLinesFormat
from exporter.render.rows import COLUMNS
from tests.recording.test_export import read_csv, read_jsonl
from tests.support import run

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.render.rows import Value

ROW: dict[str, Value] = {
    **dict.fromkeys(COLUMNS),
    "time": "2026-01-31T08:05:00.250Z",
    "hostname": 'Zürich, "das" 東京 {1}, "x": [',
    "level": "warning",
    "uptime_seconds": 123456.78,
    "cpu_usage_ratio": 0.8125,
    "memory_total_bytes": 16777216000,
    "memory_usage_ratio": 1e-05,
    "filesystem_mountpoint": "/mnt/a,b",
    "battery_plugged": True,
    "processes": 310,
    "top_cpu_name": 'say "hi", it\'s ü',
    "top_cpu_cores": 1.02,
    "top_memory_name": "\\back, slash",
    "top_memory_bytes": 924041216,
}
NEXT = {**ROW, "time": "2026-01-31T08:05:02.250Z"}


def _line(form: CsvFormat | JsonLinesFormat) -> bytes:
    return form.line(ROW).encode()


def _as_csv(value: Value) -> str:
    return "" if value is None else str(int(value) if isinstance(value, bool) else value)


def _append_next(path: Path, form: CsvFormat | JsonLinesFormat) -> None:
    """Do what the exporter does at start: check the file, then append a row."""
    file = ExportFile(str(path), form)
    file.check()
    file.append(NEXT)


@pytest.mark.parametrize("rows_before", [0, 2])
def test_a_csv_row_truncated_at_any_byte_is_completed(tmp_path: Path, rows_before: int) -> None:
    form = CsvFormat()
    line = _line(form)
    before = (form.header + form.line(ROW) * rows_before).encode()
    for length in range(1, len(line)):
        path = tmp_path / f"{length}.csv"
        path.write_bytes(before + line[:length])
        _append_next(path, form)
        assert path.read_bytes().startswith(before), "what was whole is left alone"
        *kept, last = read_csv(path)
        assert last == {name: _as_csv(value) for name, value in NEXT.items()}, f"cut after {line[:length]!r}"
        assert len(kept) in {rows_before, rows_before + 1}
        for row in kept[rows_before:]:
            for name, value in row.items():
                # DictReader returns None for the fields a short row lacks. Half a number must not appear.
                assert not value or value == _as_csv(ROW[name]), f"{name} was invented by a cut after {line[:length]!r}"


def test_whole_values_of_a_truncated_csv_row_are_kept(tmp_path: Path) -> None:
    form, path = CsvFormat(), tmp_path / "rows.csv"
    line = _line(form)
    cut = line.index(b"16777216000") + 4
    path.write_bytes(form.header.encode() + line[:cut])
    _append_next(path, form)
    row, _ = read_csv(path)
    for name in ("time", "hostname", "level", "uptime_seconds", "cpu_usage_ratio"):
        assert row[name] == _as_csv(ROW[name])


def test_a_csv_header_truncated_at_any_byte_is_completed(tmp_path: Path) -> None:
    form = CsvFormat()
    for length in range(1, len(form.header)):
        path = tmp_path / f"{length}.csv"
        path.write_bytes(form.header[:length].encode())
        _append_next(path, form)
        assert len(read_csv(path)) == 1
        assert path.read_text().count("time,") == 1


@pytest.mark.parametrize("rows_before", [0, 2])
def test_a_json_line_truncated_at_any_byte_is_completed(tmp_path: Path, rows_before: int) -> None:
    form = JsonLinesFormat()
    line = _line(form)
    before = (form.line(ROW) * rows_before).encode()
    for length in range(1, len(line)):
        path = tmp_path / f"{length}.jsonl"
        path.write_bytes(before + line[:length])
        _append_next(path, form)
        _append_next(path, form)  # the next start must still accept the file
        assert path.read_bytes().startswith(before), "what was whole is left alone"
        *kept, first, second = read_jsonl(path)
        assert first == second == NEXT, f"cut after {line[:length]!r}"
        assert len(kept) in {rows_before, rows_before + 1}
        for row in kept[rows_before:]:
            assert row == {name: ROW[name] for name in row}, f"invented by a cut after {line[:length]!r}"
            assert list(row) == list(COLUMNS)[: len(row)]


def test_whole_values_of_a_truncated_json_line_are_kept(tmp_path: Path) -> None:
    form, path = JsonLinesFormat(), tmp_path / "rows.jsonl"
    line = _line(form)
    path.write_bytes(line[: line.index(b"16777216000") + 4])
    _append_next(path, form)
    row, _ = read_jsonl(path)
    assert row["cpu_usage_ratio"] == 0.8125
    assert row["hostname"] == ROW["hostname"]
    assert "memory_total_bytes" not in row


def test_a_json_line_that_lacks_only_its_line_end_is_whole(tmp_path: Path) -> None:
    form, path = JsonLinesFormat(), tmp_path / "rows.jsonl"
    path.write_bytes(_line(form)[:-1])
    _append_next(path, form)
    assert read_jsonl(path) == [ROW, NEXT]


def test_the_real_command_repairs_and_says_so(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    args = ("watch", "--once", "--export-csv", str(table), "--export-jsonl", str(objects))
    assert run(*args).returncode == 0
    for path in (table, objects):
        path.write_bytes(path.read_bytes()[:-12])
    result = run(*args)
    assert result.returncode == 0
    assert len(result.stderr.splitlines()) == 2
    assert all("ended in the middle of a row" in line for line in result.stderr.splitlines())
    assert len(read_csv(table)) == len(read_jsonl(objects)) == 2
    assert run(*args).stderr == ""
    assert len(read_csv(table)) == len(read_jsonl(objects)) == 3


def test_an_intact_file_is_not_touched(tmp_path: Path) -> None:
    for form in (CsvFormat(), JsonLinesFormat()):
        path = tmp_path / form.flag
        before = (form.header + form.line(ROW)).encode()
        path.write_bytes(before)
        _append_next(path, form)
        assert path.read_bytes() == before + form.line(NEXT).encode()


def test_json_lines_hold_utf_8_and_no_escapes(tmp_path: Path) -> None:
    form, path = JsonLinesFormat(), tmp_path / "rows.jsonl"
    _append_next(path, form)
    assert "東京" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == NEXT


def test_a_file_that_ends_in_a_megabyte_of_zeros_keeps_its_rows_and_goes_on(tmp_path: Path) -> None:
    """A power failure leaves such files. The check used to read only the last 64 KiB, which cost the next row."""
    for form in (CsvFormat(), JsonLinesFormat()):
        path = tmp_path / form.flag
        before = (form.header + form.line(ROW)).encode()
        path.write_bytes(before + _line(form)[:-30] + b"\0" * 1_000_000)
        _append_next(path, form)
        after = path.read_bytes()
        assert after.startswith(before)
        assert after.endswith(b"\n" + _line(form).replace(b"05:00.250Z", b"05:02.250Z"))
        assert b"\0" not in after


def test_garbage_at_the_end_is_dropped_and_nothing_is_raised(tmp_path: Path) -> None:
    """A carriage return within a row, brackets nested a thousand deep, bytes that are not text, NaN."""
    csv_form, json_form = CsvFormat(), JsonLinesFormat()
    cases: list[tuple[CsvFormat | JsonLinesFormat, bytes]] = [(csv_form, b"a,b\rc"), (csv_form, b"a,\xff,c")]
    cases += [
        (json_form, end)
        for end in (b"[" * 50_000, b'{"time": NaN, "hostname": 1, ', b'{"time": "\xff", "hostname": 1,')
    ]
    for number, (form, end) in enumerate(cases):
        path = tmp_path / str(number)
        before = (form.header + form.line(ROW)).encode()
        path.write_bytes(before + end)
        _append_next(path, form)
        assert path.read_bytes() == before + _line(form).replace(b"05:00.250Z", b"05:02.250Z")


def test_a_file_of_brackets_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_bytes(b"[" * 50_000 + b"\n")
    result = run("watch", "--once", "--export-jsonl", str(path))
    assert result.returncode == 2
    assert "has other columns" in result.stderr
    assert len(result.stderr.splitlines()) == 1
