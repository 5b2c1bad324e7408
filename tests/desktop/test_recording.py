"""Recording from the window with typed paths and real clicks: the resulting file, and how errors are reported."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.desktop.recording import Recording
from exporter.thresholds import Level
from tests.recording.test_export import lines, read_csv
from tests.render.figures import whole
from tests.support import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support_desktop import Desk

fcntl = pytest.importorskip("fcntl", reason="the screen of these tests is Unix'")


def type_path(desk: Desk, path: Path | str) -> None:
    """Type a path into the field as a person would."""
    desk.click(desk.window.controls.entry)
    desk.hands.press("ctrl+a")  # select all, on X11
    desk.hands.type(str(path))
    desk.until(lambda: desk.window.controls.path.get() == str(path))


def samples(desk: Desk, count: int) -> None:
    """Let some samples arrive, each written before the next one arrives."""
    for number in range(count):
        recording = desk.window.controls.recording
        assert recording is not None
        before = recording._files[0].written if recording._files else 0
        desk.window.receive(replace(whole(), time=1769846700.0 + number))
        desk.until(lambda: recording._files and recording._files[0].written > before)  # noqa: B023 - called at once


def test_a_typed_path_and_a_click_record_rows_and_another_click_stops(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "my rows.csv"
    type_path(desk, file)
    controls = desk.window.controls
    desk.click(controls.button)
    desk.until(lambda: desk.says() == f"Recording to {file}: 0 rows")
    assert str(controls.button["text"]) == "Stop recording"
    samples(desk, 1)
    desk.until(lambda: desk.says() == f"Recording to {file}: 1 row")
    samples(desk, 2)
    desk.until(lambda: desk.says() == f"Recording to {file}: 3 rows")
    desk.click(controls.button)
    desk.until(lambda: desk.says() == f"Stopped: 3 rows written to {file}")
    desk.until(lambda: str(controls.button["text"]) == "Record")
    desk.window.receive(whole())
    desk.settle()
    rows = read_csv(file)
    assert [row["hostname"] for row in rows] == ["zebra"] * 3
    assert rows[0]["cpu_usage_ratio"] == "0.42"
    assert file.read_bytes().endswith(b"\n")


def test_the_rows_are_those_of_export_csv(desk: Desk, tmp_path: Path) -> None:
    from exporter.recording.recorder import open_exports, record

    other = tmp_path / "other.csv"
    sample = replace(whole(), time=1769846700.0)
    record(open_exports(str(other), None), sample)
    file = tmp_path / "rows.csv"
    type_path(desk, file)
    desk.hands.press("Return")
    desk.until(desk.window.controls.is_recording)
    samples(desk, 1)
    assert file.read_bytes() == other.read_bytes()


def test_enter_in_the_field_starts_and_a_later_recording_appends(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    type_path(desk, file)
    for rows in (1, 2):
        desk.hands.press("Return")
        desk.until(desk.window.controls.is_recording)
        samples(desk, 1)
        desk.click(desk.window.controls.button)
        desk.until(lambda: not desk.window.controls.is_recording())
        desk.settle()
        desk.until(lambda: not desk.window.controls.entry.instate(["disabled"]))
        desk.click(desk.window.controls.entry)
        assert len(read_csv(file)) == rows


def test_the_keyboard_reaches_everything(desk: Desk, tmp_path: Path) -> None:
    controls = desk.window.controls
    controls.path.set(str(tmp_path / "rows.csv"))
    desk.click(controls.entry)
    desk.until(lambda: desk.root.focus_get() is controls.entry)
    desk.hands.press("Tab")
    desk.until(lambda: desk.root.focus_get() is controls.choose)
    desk.hands.press("Tab")
    desk.until(lambda: desk.root.focus_get() is controls.button)
    desk.hands.press("space")
    desk.until(controls.is_recording)
    desk.hands.press("Return")
    desk.until(lambda: not controls.choose.instate(["disabled"]))
    desk.hands.press("shift+Tab")
    desk.until(lambda: desk.root.focus_get() is controls.choose)


def test_escape_does_not_end_a_recording_and_closes_otherwise(desk: Desk, tmp_path: Path) -> None:
    type_path(desk, tmp_path / "rows.csv")
    desk.hands.press("Return")
    desk.until(desk.window.controls.is_recording)
    desk.hands.press("Escape")
    samples(desk, 1)
    assert desk.is_open()
    desk.click(desk.window.controls.button)
    desk.until(lambda: not desk.window.controls.is_recording())
    desk.hands.press("Escape")
    desk.until(lambda: not desk.is_open())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no such folder/rows.csv", "No such file or directory"),
        ("", "Is a directory"),
        ("/proc/rows.csv", "No such file or directory"),
    ],
)
def test_a_path_that_cannot_be_written_is_said_in_the_window(
    desk: Desk, tmp_path: Path, name: str, reason: str
) -> None:
    path = tmp_path / name
    type_path(desk, path)
    desk.click(desk.window.controls.button)
    text = f"Cannot write {path}: {reason}; give a file in a folder that can be written"
    desk.until(lambda: desk.says() == text)
    assert str(desk.window.controls.says["foreground"]) == desk.window._looks.colours.critical
    assert str(desk.window.controls.button["text"]) == "Record"
    type_path(desk, tmp_path / "rows.csv")
    desk.click(desk.window.controls.button)
    desk.until(lambda: desk.says() == f"Recording to {tmp_path}/rows.csv: 0 rows")


def test_an_empty_field_is_said(desk: Desk) -> None:
    desk.click(desk.window.controls.entry)
    desk.hands.press("ctrl+a", "BackSpace", "Return")
    desk.until(lambda: desk.says() == "Enter a file to record to, for example metrics.csv")


def test_a_file_with_other_columns_is_refused_and_left_alone(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "budget.csv"
    file.write_text("what,how much\nrent,900\n")
    type_path(desk, file)
    desk.click(desk.window.controls.button)
    text = f"{file} has other columns and was left unchanged; give a new file, or one started by this version"
    desk.until(lambda: desk.says() == text)
    assert file.read_text() == "what,how much\nrent,900\n"


def test_a_file_that_another_program_holds_is_said_and_its_rows_wait(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    type_path(desk, file)
    with file.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        desk.click(desk.window.controls.button)
        text = f"Cannot write {file}: locked by another program; trying again, rows waiting: "
        desk.until(lambda: desk.says() == text + "0")
        assert str(desk.window.controls.says["foreground"]) == desk.window._looks.colours.warning
        desk.window.receive(whole())
        desk.until(lambda: desk.says() == text + "1")
    desk.window.receive(whole())
    desk.until(lambda: desk.says() == f"Recording to {file}: 2 rows")
    assert len(read_csv(file)) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a system without /dev/full")
def test_a_full_disk_is_said_and_what_is_lost_too(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    type_path(desk, "/dev/full")
    desk.click(desk.window.controls.button)
    desk.until(lambda: desk.says().startswith("Cannot write /dev/full: No space left on device; trying again"))
    desk.window.receive(whole())
    desk.until(lambda: desk.says().endswith("rows waiting: 1"))
    desk.click(desk.window.controls.button)
    lost = "Stopped: 0 rows written to /dev/full; rows lost because they could not be written: 1"
    desk.until(lambda: desk.says() == lost)
    assert "/dev/full: rows lost because they could not be written: 1" in caplog.text


def test_a_folder_that_vanishes_is_said_until_it_is_back(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "stick" / "rows.csv"
    file.parent.mkdir()
    type_path(desk, file)
    desk.click(desk.window.controls.button)
    desk.until(desk.window.controls.is_recording)
    samples(desk, 1)
    file.unlink()
    file.parent.rmdir()
    desk.window.receive(whole())
    text = f"Cannot write {file}: No such file or directory; trying again, rows waiting: 1"
    desk.until(lambda: desk.says() == text)
    file.parent.mkdir()
    desk.window.receive(whole())
    desk.until(lambda: desk.says() == f"Recording to {file}: 3 rows")
    assert len(read_csv(file)) == 2


def test_a_slow_disk_holds_up_nobody_and_what_it_missed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exporter.desktop import recording as module
    from exporter.recording.recorder import record

    begun, go_on = threading.Event(), threading.Event()

    def slow(*args: object) -> None:
        begun.set()
        assert go_on.wait(30)
        record(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "record", slow)
    recording = Recording(str(tmp_path / "rows.csv"))
    recording.start()
    recording.offer(whole())
    assert begun.wait(30)
    for _ in range(50):
        recording.offer(whole())
    recording.stop()
    assert recording.state() == (Level.OK, f"Stopping: the last row is being written to {tmp_path}/rows.csv")
    assert recording.finish(0.1) == 1, "a disk that never responds is not waited for, and that is an error"
    go_on.set()
    wait_for(lambda: not recording.is_running(), 30)
    assert lines(tmp_path / "rows.csv") == 3, "the header, the row in progress and the latest one"


def test_what_nobody_foresaw_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exporter.desktop import recording as module

    def fail(*_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(module, "record", fail)
    recording = Recording(str(tmp_path / "rows.csv"))
    recording.start()
    recording.offer(whole())
    wait_for(lambda: not recording.is_running(), 30)
    assert recording.state() == (Level.CRITICAL, "Recording has stopped: something else")
    monkeypatch.undo()
    impossible = Recording(f"{tmp_path}/a\0b")
    impossible.start()
    wait_for(lambda: not impossible.is_running(), 30)
    assert impossible.state()[0] is Level.CRITICAL
