"""docs/dependencies.md lists every package of the program, with its licence and why it is needed."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.tools.dependencies import ACCEPTED, PAGE, REASONS, ROOT, Package, licence, locked, page


def test_the_page_is_current() -> None:
    """Fails after a package was added or removed, or changed its version or licence."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make docs"


def test_all_of_the_lock_is_read() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert len(locked()) == len(re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE)) > 10


@pytest.mark.parametrize("package", locked(), ids=lambda package: package.name)
def test_a_package_may_be_passed_on_and_somebody_needs_it(package: Package) -> None:
    assert set(licence(package.name).split(" AND ")) <= ACCEPTED, (
        f"{package.name}: decide whether its licence is acceptable"
    )
    assert package.name in REASONS or package.via


def test_each_package_that_is_asked_for_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split("[<>=]", each)[0] for each in project["dependencies"]}
    assert {name.replace("_", "-") for name in asked} | {"flit-core"} == REASONS.keys()
