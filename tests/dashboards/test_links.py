"""Where a click on a dashboard leads: an alert to its runbook, a machine to its dashboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.boards import BOARDS, Panel, overrides, panels, variables

ROOT = Path(__file__).parents[2]
RUNBOOKS = (ROOT / "exporter/web/templates/runbooks_text.html").read_text(encoding="utf-8")
TIMELINES = [
    (name, panel)
    for name, board in BOARDS.items()
    for panel in panels(board)
    if panel["type"] == "state-timeline" and "ALERTS" in str(panel["targets"])
]


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((ROOT / "alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]


def links(panel: Panel, matcher: str, what: str) -> list[dict[str, Any]]:
    """Return the links of a query (byFrameRefID) or a column (byName)."""
    found: list[dict[str, Any]] = overrides(panel, matcher).get(what, {}).get("links", [])
    return found


def test_there_are_timelines_of_alerts() -> None:
    assert {name for name, _ in TIMELINES} == {"host", "application"}


@pytest.mark.parametrize(("name", "panel"), TIMELINES)
def test_the_bar_of_an_alert_leads_to_its_runbook(name: str, panel: Panel) -> None:
    (query,) = [target for target in panel["targets"] if "ALERTS" in target["expr"]]
    assert "max by (alertname, " in query["expr"], "the link is made of this label"
    (link,) = links(panel, "byFrameRefID", query["refId"])
    address = variables(BOARDS[name])["runbooks"]["query"]
    for rule in alerts():
        found = link["url"].replace("${runbooks:raw}", address).replace("${__field.labels.alertname}", rule["alert"])
        assert found.lower() == rule["annotations"]["runbook_url"]
        assert f'id="{found.partition("#")[2]}"' in RUNBOOKS, "browsers tell capital letters from small ones"
    assert link["targetBlank"] is True, "the dashboard stays open beside it"
    others = [target["refId"] for target in panel["targets"] if target is not query]
    assert not [ref for ref in others if links(panel, "byFrameRefID", ref)], "a level has no runbook"


@pytest.mark.parametrize("name", ["host", "application"])
def test_the_number_of_alerts_leads_to_the_runbooks(name: str) -> None:
    (panel,) = [
        panel for panel in panels(BOARDS[name]) if panel["title"].startswith("Alerts") and panel["type"] == "stat"
    ]
    (link,) = links(panel, "byFrameRefID", "A")
    assert link["url"] == "${runbooks:raw}"


@pytest.mark.parametrize("name", BOARDS)
def test_a_runbook_that_a_description_names_is_a_link(name: str) -> None:
    named = 0
    for panel in panels(BOARDS[name]):
        for alert, link in re.findall(r"[Rr]unbook \[?([A-Z]\w+)(\S*)", panel["description"]):
            assert link.startswith(f"](${{runbooks:raw}}#{alert})"), panel["title"]
            assert f'id="{alert}"' in RUNBOOKS
            named += 1
    assert named


@pytest.mark.parametrize("name", BOARDS)
def test_the_address_of_the_runbooks_can_be_given_in_a_link_and_takes_no_room(name: str) -> None:
    variable = variables(BOARDS[name])["runbooks"]
    assert (variable["type"], variable["hide"]) == ("textbox", 2)
    assert variable["current"]["value"] == variable["query"]
    assert not variable.get("skipUrlSync")


@pytest.mark.parametrize("column", ["Machine", "Alerts"])
def test_a_machine_of_the_fleet_leads_to_its_dashboard(column: str) -> None:
    (table,) = [panel for panel in panels(BOARDS["fleet"]) if panel["type"] == "table"]
    (link,) = links(table, "byName", column)
    assert link["url"].startswith("/d/host?var-datasource=${datasource}&var-job=")
    assert "var-instance=${__data.fields.Address}" in link["url"]
    assert link["url"].endswith("${__url_time_range}")
