"""Everything in the one-file program comes with its licence; without one the build fails."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from licences import UNKNOWN, collect

ROOT = Path(__file__).parents[2]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *notices: str) -> str:
    """Install a single-module package with these licence files; return the module's file."""
    (folder / "newcomer.py").write_text("")
    info = folder / "newcomer-1.0.dist-info"
    for notice in notices:
        (info / notice).parent.mkdir(parents=True, exist_ok=True)
        (info / notice).write_text(f"You may use it. ({notice})\n")
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: newcomer\nVersion: 1.0\nLicense-Expression: MIT\n")
    files = ["newcomer.py", f"{info.name}/METADATA", *(f"{info.name}/{notice}" for notice in notices)]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    monkeypatch.syspath_prepend(folder)
    return str(folder / "newcomer.py")


def test_a_package_without_a_licence_text_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if its metadata names a licence: the text itself must be distributed."""
    with pytest.raises(SystemExit, match=r"newcomer 1\.0 has no licence text"):
        collect("Host Exporter", ROOT, [install(tmp_path, monkeypatch)])


def test_every_notice_of_a_package_is_included(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = collect("Host Exporter", ROOT, [install(tmp_path, monkeypatch, "licenses/a/LICENSE", "NOTICE.txt")])
    assert "\n  newcomer 1.0\n" in text
    assert "(licenses/a/LICENSE)" in text
    assert "(NOTICE.txt)" in text


def test_a_module_that_belongs_to_no_package_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "found.py").write_text("")
    with pytest.raises(SystemExit, match=r"found\.py belongs to no installed package"):
        collect("Host Exporter", ROOT, [str(tmp_path / "found.py")])


def test_a_library_that_no_package_owns_is_named(tmp_path: Path) -> None:
    (tmp_path / "libnobody.so.1").write_text("")
    text = collect("Host Exporter", ROOT, [str(tmp_path / "libnobody.so.1")])
    assert text.endswith("\n\nlibnobody.so.1\n")
    assert UNKNOWN in text


def test_the_programs_own_files_and_pythons_need_no_owner() -> None:
    text = collect("Host Exporter", ROOT, [str(ROOT / "exporter/__init__.py"), sys.modules["json"].__file__ or ""])
    heads = [line.strip() for line in text.split("\n\n")[1].splitlines()]
    bootloader = f"pyinstaller {distribution('pyinstaller').version}"
    assert [head for head in heads if "common-licenses" not in head] == [
        "Host Exporter", f"Python {platform.python_version()}", bootloader,
    ]  # fmt: skip
