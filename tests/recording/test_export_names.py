"""Names that the system takes for something else: devices on Windows, and one file under two spellings."""

from __future__ import annotations

import ntpath
import os
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.errors import ExportError, SettingError
from exporter.recording import recorder
from exporter.recording.recorder import open_exports
from exporter.recording.reserved import reserved

if TYPE_CHECKING:
    from pathlib import Path

RESERVED = [
    *("CON", "con.csv", "Con .csv", "con.tar.gz", "CONIN$", "CONOUT$", "conout$.csv", "PRN", "AUX", "aux.jsonl", "NUL"),
    *("nul.csv", "COM1", "com9.csv", "COM\u00b9", "LPT1", "lpt\u00b3.csv", "C:\\data\\CON", "C:CON", "data/con.csv"),
    *(
        "CON\\rows.csv",
        "rows.csv.",
        "rows.csv ",
        "rows ..",
        ".. ",
        "rows. /x.csv",
        "rows.csv:x",
        "C:\\rows.csv:x:$DATA",
    ),
    *("a<b.csv", "a|b", 'a"b', "what?.csv", "*.csv", "a\tb", "a\x01b", "\\\\.\\CON", "\\\\.\\COM1", "//./pipe/rows"),
]
ALLOWED = [
    *(
        "rows.csv",
        "rows",
        ".csv",
        "..\\rows.csv",
        "./rows.csv",
        "C:\\data\\rows.csv",
        "C:rows.csv",
        "\\\\server\\share\\rows",
    ),
    *("console.csv", "CON1.csv", "COM", "COM0", "COM10", "nul_.csv", "rows.con", "my rows.csv", "b\u00fcro.csv", ""),
    *("//server/share/rows.csv", "\\\\?\\C:\\rows.csv", "..", "C:\\", "a.b.c"),
]


@pytest.mark.parametrize("path", RESERVED, ids=ascii)
def test_a_name_that_windows_reserves_is_refused_with_one_line_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recorder, "WINDOWS", True)
    for flag, given in (("--export-csv", (path, "other")), ("--export-jsonl", ("other", path))):
        with pytest.raises(SettingError) as refused:
            open_exports(*given)
        assert str(refused.value).startswith(f"{flag}: {path!r} is not accepted; give a name that Windows allows: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ALLOWED, ids=ascii)
def test_other_names_are_left_to_windows(path: str) -> None:
    assert not reserved(path)


if sys.version_info >= (3, 13):

    @pytest.mark.parametrize("path", [*RESERVED, *ALLOWED], ids=ascii)
    def test_python_draws_the_same_line(path: str) -> None:
        # It does not look at the drive, where the path of a device has its name.
        assert reserved(path) == (ntpath.isreserved(path) or path.startswith(("\\\\.", "//.")))


if os.name == "posix":

    @pytest.mark.parametrize("name", ["con.csv", "rows.", "a:b", "NUL"])
    def test_elsewhere_these_are_ordinary_files(tmp_path: Path, name: str) -> None:
        open_exports(str(tmp_path / name), None)
        assert (tmp_path / name).read_text().startswith("time,")


def fold_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look files up as a disk does that ignores case; ``open`` still makes what it is told to."""
    exists, isfile, samefile = os.path.exists, os.path.isfile, os.path.samefile
    monkeypatch.setattr(os.path, "exists", lambda path: exists(path.lower()))
    monkeypatch.setattr(os.path, "isfile", lambda path: isfile(path.lower()))
    monkeypatch.setattr(os.path, "samefile", lambda one, other: samefile(one.lower(), other.lower()))


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_two_spellings_of_one_file_are_refused_where_the_disk_ignores_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    if there:
        (tmp_path / "rows").write_text("")
    fold_case(monkeypatch)
    with pytest.raises(ExportError, match="are the same file, rows; give two different files"):
        open_exports("rows", "ROWS")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == ([("rows", "")] if there else [])


def test_where_the_system_says_that_case_does_not_matter_no_file_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "normcase", ntpath.normcase)
    monkeypatch.setattr(recorder, "ExportFile", None)
    with pytest.raises(ExportError, match="are the same file"):
        open_exports("rows", "ROWS")


def test_two_spellings_are_two_files_where_the_disk_tells_them_apart(tmp_path: Path) -> None:
    try:
        open_exports(str(tmp_path / "rows"), str(tmp_path / "ROWS"))
    except ExportError:
        assert list(tmp_path.iterdir()) == []
    else:
        assert sorted(file.name for file in tmp_path.iterdir()) == ["ROWS", "rows"]
