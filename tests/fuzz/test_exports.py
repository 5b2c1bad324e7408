"""An export file with any content: it is refused and left alone, or continued without losing a whole row."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.errors import ExportError
from exporter.recording.file import ExportFile
from exporter.recording.formats import CsvFormat, JsonLinesFormat
from exporter.render.rows import COLUMNS
from tests.fuzz.texts import contents, odd_words
from tests.recording.test_export_repair import NEXT, ROW

if TYPE_CHECKING:
    from pathlib import Path

    Form = CsvFormat | JsonLinesFormat

FORMS: list[Form] = [CsvFormat(), JsonLinesFormat()]


@st.composite
def files(draw: st.DrawFn, form: Form) -> bytes:
    """A file's content: mostly rows, the last of them cut off or damaged, or anything else."""
    good = (form.header + form.line(ROW) * 2).encode()
    line = form.line(ROW).encode()
    kind = draw(st.sampled_from(("cut", "cut", "tail", "any")))
    if kind == "any":
        return draw(contents(good))
    end = line[: draw(st.integers(0, len(line)))] if kind == "cut" else draw(contents(line))
    filler = draw(odd_words() | st.just(b"\0" * 100_000)) if draw(st.booleans()) else b""
    return good + end + filler


def _check(path: Path, form: Form, content: bytes) -> None:
    path.write_bytes(content)
    file = ExportFile(str(path), form)
    try:
        file.check()
    except ExportError:
        assert path.read_bytes() == content, "a refused file is left alone"
        return
    file.append(NEXT)
    assert not file.waiting
    after = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    assert after.startswith(whole), "a whole line has changed"
    assert after.endswith(form.line(NEXT).encode())
    added = after[len(whole) : len(after) - len(form.line(NEXT).encode())].decode()
    assert added in {"", form.header} or (added.endswith("\n") and added.count("\n") == 1)
    if added and added != form.header:
        _check_closed(form, added)


def _check_closed(form: Form, line: str) -> None:
    """Fail if the line that was cut off is not a row now, or has gained content."""
    if isinstance(form, CsvFormat):
        (cells,) = csv.reader([line], strict=True)
        assert len(cells) < len(COLUMNS)
        return
    values = json.loads(line, parse_constant=pytest.fail)
    assert list(values) == list(COLUMNS)[: len(values)]


@given(files(FORMS[0]))
@example(FORMS[0].header.encode() + b"a,b\rc")
@example(FORMS[0].header.encode() + b"2026-01-31T08:05:00.250Z,host," + b"\0" * 200_000)
@example(FORMS[0].header.encode() + b"2026-01-31T08:05:00.250Z,\xff\xfe,ok")
def test_a_csv_file_with_anything_in_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    _check(tmp_path_factory.getbasetemp() / "rows.csv", FORMS[0], content)


@given(files(FORMS[1]))
@example(b"[" * 10_000 + b"\n")
@example(b"[" * 10_000)
@example(FORMS[1].line(ROW).encode() + b'{"time": "' + b"," * 60_000)
@example(FORMS[1].line(ROW).encode() + b'{"time": NaN, "hostname": 1, ')
@example(FORMS[1].line(ROW).encode() + b'{"time": "\xff", "hostname": 1, ')
@example(FORMS[1].line(ROW).encode() + b'{"time": ' + b"9" * 5000 + b', "hostname": 1, ')
@example(FORMS[1].line(ROW).encode()[:-100] + b"\0" * 200_000)
def test_a_json_lines_file_with_anything_in_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    _check(tmp_path_factory.getbasetemp() / "rows.jsonl", FORMS[1], content)
