"""The page /runbooks is docs/runbooks.md, and every alert links to its section there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from exporter.chain import own
from tests.tools.runbooks import PAGE, ROOT, SOURCE, text

if TYPE_CHECKING:
    from tests.support import Exporter


def alerts() -> set[str]:
    groups = yaml.safe_load((ROOT / "alerts.yml").read_text())["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "rewrite it: make docs"


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    headings = re.findall(r"^## (.+)$", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) == alerts() | {own.DOWN}
    assert f"http://localhost:5000/runbooks#{own.DOWN.lower()}" == own.RUNBOOK


def test_every_alert_links_to_its_section_of_the_page(exporter: Exporter) -> None:
    page = exporter.get("/runbooks").text
    groups = yaml.safe_load((ROOT / "alerts.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
        address, _, place = rule["annotations"]["runbook_url"].partition("#")
        assert address == "http://localhost:5000/runbooks"
        assert place == rule["alert"].lower()
        assert f'<h2 id="{place}">{rule["alert"]}</h2>' in page
        assert f'<span id="{rule["alert"]}"></span><h2 id="{place}">' in page, "for links made of labels, in Grafana"


def test_the_page_has_no_external_resource(exporter: Exporter) -> None:
    page = exporter.get("/runbooks").text
    assert not re.findall(r'(?:src|<link[^>]*href)="(?:https?:)?//', page)
