"""Which alerts are held, which are let go, which are called over."""

from __future__ import annotations

import pytest

from exporter.chain.held import UNSEEN, Held, Listed
from tests.chain.support import Alert, listed, sent

ENDS = "2026-01-01T01:00:00+00:00"


def held(*alerts: Alert, down: bool = True) -> Held:
    found = Held()
    found.remember({alert["fingerprint"]: alert for alert in alerts}, down=down)
    return found


def names(alerts: list[Alert]) -> set[str]:
    return {alert["labels"]["alertname"] for alert in alerts}


def test_what_the_rules_made_is_held_and_nothing_else() -> None:
    silenced = sent("Silenced")
    silenced["status"]["silencedBy"] = ["x"]
    alerts = [
        sent("A"),
        silenced,
        sent("Watchdog", "none"),
        sent("HostRebooted", "info"),
    ]
    active = {alert["fingerprint"]: alert for alert in alerts}
    assert names(held(*alerts).extended(active, Listed([]), ENDS)) == {"A", "HostRebooted"}


@pytest.mark.parametrize("down", [True, False])
def test_the_alert_that_nothing_is_stored_is_held_only_if_nobody_else_can_end_it(down: bool) -> None:
    assert bool(held(sent("PrometheusNotStoring", "critical", job="prometheus"), down=down)) is down


def test_a_held_alert_keeps_its_words_and_its_time() -> None:
    alert = sent("A")
    [post] = held(alert).extended({alert["fingerprint"]: alert}, Listed([]), ENDS)
    assert post == {
        "labels": alert["labels"],
        "annotations": alert["annotations"],
        "startsAt": alert["startsAt"],
        "generatorURL": alert["generatorURL"],
        "endsAt": ENDS,
    }


def test_what_prometheus_has_ended_itself_is_not_brought_back() -> None:
    assert held(sent("A")).extended({}, Listed([]), ENDS) == []
    assert names(held(sent("A")).extended({}, Listed([listed("A", "pending")]), ENDS)) == {"A"}
    assert held(sent("A")).extended({}, Listed([listed("A", "pending", instance="b:1")]), ENDS) == []


def test_an_alert_silenced_meanwhile_is_left_alone() -> None:
    alert = sent("A")
    holding = held(alert)
    alert["status"]["silencedBy"] = ["x"]
    assert holding.extended({alert["fingerprint"]: alert}, Listed([]), ENDS) == []


def test_what_fires_is_let_go_what_is_pending_waits_the_rest_is_over() -> None:
    holding = held(sent("Fires"), sent("Waits"), sent("Ended"), sent("Ended", instance="b:1"))
    now = Listed([listed("Fires"), listed("Waits", "pending"), listed("Other", "pending", instance="b:1")])
    holding.let_go(now)
    over = holding.over(now, ENDS)
    assert [(a["labels"]["alertname"], a["labels"]["instance"], a["endsAt"]) for a in over] == [
        ("Ended", "a:1", ENDS),
        ("Ended", "b:1", ENDS),
    ]
    assert holding, "the pending one"
    holding.let_go(Listed([listed("Waits")]))
    assert not holding


def test_an_alert_that_differs_in_one_label_is_another_one() -> None:
    holding = held(sent("HostHighMemory", "critical"))
    holding.let_go(Listed([listed("HostHighMemory", severity="warning")]))
    assert len(holding.over(Listed([]), ENDS)) == 1


@pytest.mark.parametrize("name", ["HostExporterDown", "AppDown"])
def test_nobody_knows_whether_the_alerts_of_a_dead_machine_are_over(name: str) -> None:
    holding = held(sent("HostHighMemory"))
    assert holding.over(Listed([listed(name, "pending")]), ENDS) == []
    assert holding
    assert holding.over(Listed([listed(name)]), ENDS) == [], "it ends unsaid, inhibited"
    assert not holding


def test_the_end_is_dated_when_it_was_noticed() -> None:
    alert = sent("A")
    alert["annotations"] |= {"keep_firing_for": "5m", "resolved_description": "It peaked at 95 %."}
    other = sent("B")
    [first, second] = held(alert, other).over(Listed([]), ENDS)
    assert first["annotations"] == {
        "summary": "A is wrong",
        "description": "d",
        "resolved_description": f"It peaked at 95 %.\n{UNSEEN}",
    }
    assert second["annotations"]["description"] == f"d\n{UNSEEN}"
