"""docs/dependencies.md names every package that the program is made of, with its licence and its reason."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.tools.dependencies import ACCEPTED, PAGE, REASONS, ROOT, Package, licence, locked, page


def test_the_page_is_current() -> None:
    """A package that is new, gone, of another version or under another licence is seen here."""
    assert PAGE.read_text(encoding="utf-8") == page(), "rewrite it: make docs"


def test_all_of_the_lock_is_read() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert len(locked()) == len(re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE)) > 10


@pytest.mark.parametrize("package", locked(), ids=lambda package: package.name)
def test_a_package_may_be_passed_on_and_somebody_needs_it(package: Package) -> None:
    assert set(licence(package.name).split(" AND ")) <= ACCEPTED, f"{package.name}: a licence to decide on"
    assert package.name in REASONS or package.via


def test_each_package_that_is_asked_for_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split("[<>=]", each)[0] for each in project["dependencies"]}
    assert {name.replace("_", "-") for name in asked} | {"flit-core"} == REASONS.keys()
