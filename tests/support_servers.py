"""Programs that tests need besides Python. If one is missing, the test is skipped, or fails if CI=true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

FETCHED = Path(__file__).parent.parent / ".cache/servers/usr/bin"


def program(*names: str, hint: str = "make servers") -> str:
    """Return the path of the first of these programs that exists; those fetched by ``make servers`` take precedence."""
    found = [path for name in names if (path := shutil.which(name, path=str(FETCHED)) or shutil.which(name))]
    if not found:
        missing(f"{' or '.join(names)} is not installed ({hint})")
    return found[0]


def missing(text: str) -> NoReturn:
    """Skip the test, or fail it if CI=true, because nobody would notice there that it never runs."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
