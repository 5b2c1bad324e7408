"""Every subject is complete: these tests say what a new collector still lacks. docs/adding-a-subject.md shows how."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import exporter
from exporter.collectors import COLLECTORS
from exporter.findings import none_yet
from exporter.web.partials import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = Path(exporter.__file__).parent
COLLECTOR_FILES = sorted(path for path in (PACKAGE / "collectors").glob("*.py") if path.stem != "__init__")
FINDINGS = PACKAGE / "findings.py"

WITHOUT_LIMITS = frozenset({"system", "processes", "network", "pressure"})
"""Subjects whose figures have no limit yet. Every other subject has findings."""


def kinds(path: Path) -> set[str]:
    """Return the kinds of findings in a file: its strings that look like the name of a host alert."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"Host([A-Z][a-z]+)+", text)}


def read(path: str) -> str:
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def section(page: str, heading: str) -> str:
    """Return the text of a Markdown page under a second-level heading."""
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", read(page), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def lacks(name: str) -> list[str]:
    """Return what a subject lacks, each item with the place to add it."""
    return [*lacks_in_page(name), *lacks_in_docs(name), *lacks_in_tests(name), *lacks_in_rules(name)]


def lacks_in_page(name: str) -> Iterator[str]:
    place = f"exporter/web/templates/subjects/{name}.html"
    partial = read(place)
    if not set(re.findall(r"{% macro (\w+)", partial)) & set(PLACES):
        yield f"its place on the page (a macro {', '.join(PLACES[:-1])} or {PLACES[-1]}): {place}"
    asked = set(re.findall(r'level_of\("(\w*)"', partial))
    for kind in sorted(asked - kinds(PACKAGE / "collectors" / f"{name}.py")):
        yield f"the finding {kind}, whose level its partial asks for"


def lacks_in_docs(name: str) -> Iterator[str]:
    documented = metrics(name)
    if not documented:
        yield "its metrics in docs/metrics.md: figures in tests/fixtures/laptop, then make docs"
    dashboard = read("grafana/dashboards/host.json")
    if not any(re.search(rf"\b{metric}\b", dashboard) for metric in documented):
        yield "a panel in the Host dashboard that queries one of its metrics: grafana/, then make dashboards"


def lacks_in_tests(name: str) -> Iterator[str]:
    promised = read("tests/test_reference.py")
    for metric in sorted(metrics(name)):
        if f'"{metric}": (' not in promised:
            yield f"the promise of {metric} in tests/test_reference.py"
    tests = read(f"tests/collectors/test_{name}.py")
    imported = re.search(rf"exporter\.collectors(\.| import ){name}\b", tests)
    if "def test_" not in tests or not imported:
        yield f"tests: tests/collectors/test_{name}.py"


def lacks_in_rules(name: str) -> Iterator[str]:
    collector = next(each for each in COLLECTORS if each.name == name)
    if collector.findings is none_yet and name not in WITHOUT_LIMITS:
        yield f"its findings in exporter/collectors/{name}.py"
    alerts = {rule.get("alert") for group in yaml.safe_load(read("alerts.yml"))["groups"] for rule in group["rules"]}
    for kind in sorted(kinds(PACKAGE / "collectors" / f"{name}.py")):
        if kind not in alerts:
            yield f"the rule {kind} in alerts.yml"
        if not section("docs/runbooks.md", kind):
            yield f"the runbook {kind} in docs/runbooks.md"
        if not read(f"tests/rules/{kind}.yml"):
            yield f"the rule's tests: tests/rules/{kind}.yml"


def metrics(name: str) -> set[str]:
    """Return the metrics of a subject, as docs/metrics.md lists them."""
    return set(re.findall(r"^\| `(host_\w+)`", section("docs/metrics.md", name), re.MULTILINE))


@pytest.mark.parametrize("name", [each.name for each in COLLECTORS])
def test_a_subject_is_complete(name: str) -> None:
    missing = lacks(name)
    assert not missing, f"the subject {name} lacks " + "; ".join(missing)


def test_every_macro_of_a_partial_is_a_place_on_the_page() -> None:
    for path in (PACKAGE / "web/templates/subjects").glob("*.html"):
        assert set(re.findall(r"{% macro (\w+)", path.read_text(encoding="utf-8"))) <= set(PLACES), path.name


def test_bars_take_their_level_from_a_finding_that_there_is() -> None:
    known = {kind for path in COLLECTOR_FILES for kind in kinds(path)}
    assert kinds(PACKAGE / "render/shares.py") <= known


def test_every_partial_of_the_page_belongs_to_a_subject() -> None:
    partials = {path.stem for path in (PACKAGE / "web/templates/subjects").glob("*.html")}
    assert partials == {each.name for each in COLLECTORS}


def test_every_subject_without_limits_exists_and_has_no_findings() -> None:
    assert {each.name for each in COLLECTORS if each.findings is none_yet} == WITHOUT_LIMITS
