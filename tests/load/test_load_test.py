"""The load test tests something."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.load.__main__ import CASES, PAGE, ROOT, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.load
def test_it_asks_everything_and_writes_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What stays\n\nMeasured on: another machine.\n\n## An old table\n")
    few = [replace(case, users=4) for case in CASES]
    assert main(8, page, few) == 0
    text = page.read_text()
    assert text.startswith("# What stays\n\nMeasured on: ")
    assert "old table" not in text
    for request in ("GET /metrics", "GET /", "GET /api/stats", "GET /-/healthy", "POST /api/predict", "all"):
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {request} |")][:1]
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        assert int(cells[0]) > 0
        assert cells[1] == "0"


def test_requests_that_fail_are_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What stays\n")
    wrong = replace(CASES[0], command=(sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "PORT"), ready="/")
    assert main(2, page, [replace(wrong, folder=tmp_path, users=1)]) == 1
    assert "requests to Exporter failed" in capsys.readouterr().err
    assert page.read_text() == "# What stays\n"


def test_the_page_says_how_long_and_by_how_many() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "40 users each for 30 s" in text
    assert {case.users for case in CASES} == {40}
    assert "make load-test" in text
    assert (ROOT / "tests/load/locustfile.py").exists()
