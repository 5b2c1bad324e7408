"""How what is wrong with the chain is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exporter.chain.findings import STATES, UNSENT, findings
from exporter.chain.muted import muted
from exporter.chain.own import DOWN
from exporter.chain.prometheus import State
from exporter.chain.watch import View
from exporter.model import Snapshot
from exporter.render.words import sentence, sentences
from exporter.thresholds import Level
from tests.chain.support import SILENCED, Alert, listed, sent
from tests.rules.test_rules import ALERTS
from tests.test_docs import ROOT

RUNBOOKS = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")


def said(view: View) -> list[tuple[str, str]]:
    return [(str(each.level), sentence(each, None)) for each in findings(view)]


def emails(name: str, **labels: str) -> Alert:
    alert = listed(name, severity="critical", job="alertmanager", **labels)
    alert["annotations"]["summary"] = f"Alerts cannot be sent by {labels.get('integration')}"
    return alert


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(), []),
        (View(State.SILENT, failures=1, deaf=1), []),
        (View(State.SILENT, failures=2), [("critical", "Prometheus does not answer")]),
        (View(State.STARTING, failures=2), [("warning", "Prometheus is starting")]),
        (View(State.NOT_STORING, failures=2), [("critical", "Prometheus stores nothing")]),
        (View(State.CLOSED, failures=2), [("warning", "Prometheus asks for a password, so nobody knows how it is")]),
        (
            View(State.SILENT, failures=9, deaf=2),
            [("critical", "Prometheus does not answer"), ("critical", "Alertmanager does not answer")],
        ),
    ],
)
def test_servers_that_fail_twice_in_a_row_are_named(view: View, expected: list[tuple[str, str]]) -> None:
    assert said(view) == expected


@pytest.mark.parametrize("name", UNSENT)
def test_emails_that_are_not_sent_come_in_plain_words(name: str) -> None:
    assert said(View(alerts=(emails(name, integration="email"),))) == [("critical", "Emails cannot be sent")]
    other = said(View(alerts=(emails(name, integration="telegram"),)))
    assert other == [("critical", "Alerts cannot be sent by telegram")]


def test_one_failure_is_said_once() -> None:
    both = tuple(emails(name, integration="email") for name in UNSENT)
    assert len(findings(View(alerts=both))) == 1
    twice = (listed("PrometheusAlertmanagerMissing", severity="critical", job="prometheus"),)
    assert said(View(alerts=twice, deaf=2)) == [("critical", "Alertmanager does not answer")]
    pair = tuple(listed("PrometheusTargetFileBroken", job="prometheus", instance=instance) for instance in "ab")
    assert said(View(alerts=pair)) == [("warning", "PrometheusTargetFileBroken is wrong")]


def test_alerts_about_machines_pending_ones_and_information_are_not_about_the_chain() -> None:
    alerts = (
        listed("HostHighCpu", severity="critical"),
        listed("AppDown"),
        listed("PrometheusRuleFailures", "pending"),
        listed("PrometheusNews", severity="info"),
        listed("Watchdog", severity="none"),
    )
    assert findings(View(alerts=alerts)) == ()


def test_the_disk_of_a_neighbours_prometheus_is_the_neighbours() -> None:
    alerts = (listed("PrometheusDiskLow", hostname="db-01"), listed("PrometheusDiskLow", hostname="web-01"))
    assert len(findings(View(alerts=alerts[:1], hostname="web-01"))) == 0
    assert len(findings(View(alerts=alerts, hostname="web-01"))) == 1


def test_the_worst_comes_first_and_strange_text_does_no_harm() -> None:
    strange = listed("Prometheus\x1b[31m", job="prometheus")
    strange["annotations"] = None
    [first, second] = findings(View(alerts=(strange, emails(UNSENT[0]))))
    assert (first.level, second.level) == (Level.CRITICAL, Level.WARNING)
    assert second.kind == second.what == "Prometheus?[31m"


def test_every_kind_of_finding_has_a_runbook_and_those_of_a_rule_its_level() -> None:
    rules = {(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS}
    names = {name for name, _ in rules}
    for kind, level, _ in STATES.values():
        assert (f"\n## {kind}\n" in RUNBOOKS) is (kind in names | {DOWN})
        assert kind not in names or (kind, str(level)) in rules
    assert ("PrometheusAlertmanagerMissing", "critical") in rules


HELD = listed("AlertsOnHold", severity="none", job="prometheus")


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(alerts=(HELD,)), [("warning", "AlertsOnHold is wrong")]),
        (View(State.SILENT, (HELD,), failures=2), [("critical", "Prometheus does not answer")]),
        (
            View(State.NOT_STORING, (HELD, listed("PrometheusNotStoring", severity="critical", job="prometheus"))),
            [("critical", "PrometheusNotStoring is wrong")],
        ),
    ],
    ids=["alone", "Prometheus is down", "nothing is stored"],
)
def test_that_emails_wait_is_said_unless_something_else_says_why(view: View, expected: list[tuple[str, str]]) -> None:
    assert said(view) == expected


def test_two_alerts_of_a_name_are_two_lines() -> None:
    both = (listed("MonitoringServerDown", job="alertmanager"), listed("MonitoringServerDown", job="prometheus"))
    for alert in both:
        alert["annotations"] = {"summary": f"{alert['labels']['job']} is down"}
    snapshot = Snapshot(0, 0, (), beside=findings(View(alerts=both)))
    assert [text for _, text in sentences(snapshot)] == ["alertmanager is down", "prometheus is down"]


def test_what_is_over_and_what_is_silenced_about_the_chain() -> None:
    emails_failed = emails(UNSENT[1], integration="email") | {"keepFiringSince": "2026-01-31T22:03:04.123456789Z"}
    emails_failed["annotations"] |= {"keep_firing_for": "5m"}
    now = datetime(2026, 1, 31, 22, 5, tzinfo=UTC).timestamp()
    (found,) = findings(View(alerts=(emails_failed,)), now)
    assert sentence(found, None) == "Over since 22:03 UTC: Emails cannot be sent. Its alert ends at 22:08 UTC"
    assert found.over
    silent = muted([sent(UNSENT[1], severity="critical", job="alertmanager", integration="email") | SILENCED])
    assert findings(View(alerts=(emails_failed,), muted=silent), now) == ()
