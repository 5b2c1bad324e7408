"""Every subject is complete: these tests say what a new collector still lacks. docs/adding-a-subject.md shows how."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

import exporter
from exporter.collectors import COLLECTORS
from exporter.findings import none_yet

ROOT = Path(__file__).parent.parent
PACKAGE = Path(exporter.__file__).parent
COLLECTOR_FILES = sorted(path for path in (PACKAGE / "collectors").glob("*.py") if path.stem != "__init__")
FINDINGS = PACKAGE / "findings.py"

WITHOUT_LIMITS = frozenset({"system", "processes", "network", "disk", "temperature", "pressure"})
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
    missing = []
    path = PACKAGE / "collectors" / f"{name}.py"
    if "macro " not in read(f"exporter/web/templates/subjects/{name}.html"):
        missing.append(f"its place on the page: exporter/web/templates/subjects/{name}.html")
    documented = set(re.findall(r"^\| `(host_\w+)`", section("docs/metrics.md", name), re.MULTILINE))
    if not documented:
        missing.append("its metrics in docs/metrics.md: figures in tests/fixtures/laptop, then make docs")
    dashboard = read("grafana/dashboards/host.json")
    if not any(re.search(rf"\b{metric}\b", dashboard) for metric in documented):
        missing.append("a panel in the Host dashboard that queries one of its metrics: grafana/, then make dashboards")
    if "def test_" not in read(f"tests/collectors/test_{name}.py"):
        missing.append(f"tests: tests/collectors/test_{name}.py")
    collector = next(each for each in COLLECTORS if each.name == name)
    if collector.findings is none_yet and name not in WITHOUT_LIMITS:
        missing.append(f"its findings in exporter/collectors/{name}.py")
    alerts = {rule.get("alert") for group in yaml.safe_load(read("alerts.yml"))["groups"] for rule in group["rules"]}
    for kind in sorted(kinds(path)):
        if kind not in alerts:
            missing.append(f"the rule {kind} in alerts.yml")
        if not section("docs/runbooks.md", kind):
            missing.append(f"the runbook {kind} in docs/runbooks.md")
        if not read(f"tests/rules/{kind}.yml"):
            missing.append(f"the rule's tests: tests/rules/{kind}.yml")
    return missing


@pytest.mark.parametrize("name", [each.name for each in COLLECTORS])
def test_a_subject_is_complete(name: str) -> None:
    missing = lacks(name)
    assert not missing, f"the subject {name} lacks " + "; ".join(missing)


def test_every_partial_of_the_page_belongs_to_a_subject() -> None:
    partials = {path.stem for path in (PACKAGE / "web/templates/subjects").glob("*.html")}
    assert partials == {each.name for each in COLLECTORS}


def test_every_subject_without_limits_exists_and_has_no_findings() -> None:
    assert {each.name for each in COLLECTORS if each.findings is none_yet} == WITHOUT_LIMITS
