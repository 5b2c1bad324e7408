"""Which path the field initially contains."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.desktop.places import default_path, full_path

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has its own known folders")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


def user_dirs(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "user-dirs.dirs").write_text(text, encoding="utf-8")


def test_without_a_desktop_it_is_the_home_folder(home: Path) -> None:
    assert default_path() == f"{home}/metrics_desktop.csv"


def test_a_folder_called_desktop_is_taken(home: Path) -> None:
    (home / "Desktop").mkdir()
    assert default_path() == f"{home}/Desktop/metrics_desktop.csv"


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ('XDG_DESKTOP_DIR="$HOME/Schreibtisch"', "Schreibtisch"),
        ('# XDG_DESKTOP_DIR="$HOME/no"\nXDG_MUSIC_DIR="$HOME/no"\n XDG_DESKTOP_DIR="$HOME/Бюро"', "Бюро"),
        ('XDG_DESKTOP_DIR="$HOME/a \\"b\\" \\$c"', 'a "b" $c'),
        ('XDG_DESKTOP_DIR="$HOME/"', ""),
        ('XDG_DESKTOP_DIR="$HOMELESS/x"', "Desktop"),
        ('XDG_DESKTOP_DIR="relative"', "Desktop"),
        ("XDG_DESKTOP_DIR=", "Desktop"),
    ],
)
def test_the_desktop_folder_of_the_users_language_is_known(home: Path, line: str, folder: str) -> None:
    (home / "Desktop").mkdir()
    (home / folder).mkdir(exist_ok=True)
    user_dirs(home / ".config", f'# written by xdg-user-dirs-update\n{line}\nXDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
    assert os.path.normpath(default_path()) == str(home / folder / "metrics_desktop.csv")


def test_the_configuration_may_be_elsewhere_and_the_desktop_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "elsewhere").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    user_dirs(home / "xdg", f'XDG_DESKTOP_DIR="{home}/elsewhere"\n')
    assert default_path() == f"{home}/elsewhere/metrics_desktop.csv"


def test_a_desktop_that_is_not_there_is_not_offered(home: Path) -> None:
    user_dirs(home / ".config", 'XDG_DESKTOP_DIR="$HOME/gone"\n')
    assert default_path() == f"{home}/metrics_desktop.csv"


def test_a_typed_path_is_shown_in_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert full_path(" ~/rows.csv ") == f"{home}/rows.csv"
    assert full_path("tmp/../rows.csv") == "/rows.csv"
