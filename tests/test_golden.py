"""The exposition of the fixture laptop, byte for byte."""

from __future__ import annotations

from difflib import unified_diff

import pytest

from tests.tools.golden import GOLDEN, exposition

HINT = """The exposition of tests/fixtures/laptop is no longer that of tests/golden/laptop.txt.
If that is meant, rewrite the file with: make golden (python -m tests.tools.golden), and read its difference:
names and labels are a promise to rules, dashboards and users."""


def test_the_exposition_of_the_fixture_laptop_is_the_golden_one() -> None:
    golden, now = GOLDEN.read_text(encoding="utf-8"), exposition()
    if now != golden:
        difference = unified_diff(golden.splitlines(), now.splitlines(), "golden", "now", lineterm="", n=0)
        pytest.fail("\n".join([HINT, *difference]), pytrace=False)
