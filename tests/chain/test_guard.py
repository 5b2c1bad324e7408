"""What is posted to Alertmanager while Prometheus is down, and afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.chain.alertmanager import Alertmanagers
from exporter.chain.guard import Guard
from exporter.chain.pace import PACE
from exporter.chain.prometheus import Look, State
from tests.chain.support import SILENCED, Alert, FakeAlertmanager, ends, fingerprint, listed, sent
from tests.tools.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT, STARTING, CLOSED, RESTARTING, NOT_STORING, NOT_EVALUATING, STORING = State


class Course:
    """A guard that is shown one state after the other, 15 s apart, beside a fake Alertmanager."""

    def __init__(self, alertmanager: FakeAlertmanager, *others: str) -> None:
        self.alertmanager = alertmanager
        self.urls = [alertmanager.url, *others]
        self.now = 1000.0
        self.restart()

    def restart(self) -> None:
        """Start the exporter anew."""
        self.guard = Guard(Alertmanagers(self.urls, PACE), "web-01", PACE)

    def see(self, state: State, *alerts: Alert, seconds: float = PACE.doubt) -> bool:
        """Show a state for so long, each 15 s."""
        answers = False
        for _ in range(max(1, int(seconds / PACE.doubt))):
            self.now += PACE.doubt
            answers = self.guard.see(Look(state, alerts), self.now)
        return answers


@pytest.fixture
def alertmanager() -> Iterator[FakeAlertmanager]:
    with FakeAlertmanager(sent("A"), sent("B"), sent("Watchdog", "none"), sent("TestAlert", rule=False)) as server:
        yield server


@pytest.fixture
def course(alertmanager: FakeAlertmanager) -> Course:
    course = Course(alertmanager)
    course.see(STORING, listed("A"), listed("B"), listed("Watchdog", severity="none"), seconds=60)
    return course


def test_while_all_is_well_nothing_is_posted_and_one_small_question_asked(course: Course) -> None:
    asked = course.alertmanager.asked
    assert course.see(STORING, listed("A"), listed("B"), seconds=150)
    assert course.alertmanager.asked == asked + 10
    assert course.alertmanager.posts == []


@pytest.mark.parametrize("seconds", [15, 30, 45, 60])
def test_a_restart_leaves_no_trace(course: Course, seconds: float) -> None:
    course.see(SILENT, seconds=seconds)
    course.see(STORING, listed("A", "pending"), listed("B"), seconds=60)
    course.see(STORING, listed("A"), listed("B"), seconds=300)
    assert course.guard.is_calm()
    assert course.alertmanager.said("PrometheusDown") == []
    assert not {False} & set(course.alertmanager.said("A") + course.alertmanager.said("B"))


def test_a_death_from_beginning_to_end(course: Course) -> None:
    course.see(SILENT, seconds=600)
    assert course.alertmanager.names() == {"A", "B", "Watchdog", "TestAlert", "PrometheusDown"}
    assert not course.alertmanager.said("Watchdog") + course.alertmanager.said("TestAlert")
    down = course.alertmanager.posts[-2][0]
    assert down["labels"] == {
        "alertname": "PrometheusDown",
        "severity": "critical",
        "job": "prometheus",
        "hostname": "web-01",
    }
    assert down["annotations"]["summary"] == "Prometheus is not responding"
    assert ends(down) - time.time() == pytest.approx(PACE.lasts, abs=30)
    assert [ends(a) - time.time() for a in course.alertmanager.posts[-1]] == pytest.approx([PACE.held] * 2, abs=30)

    # Back: A is still true and waits for its "for", B is not.
    course.see(STORING, listed("A", "pending"), seconds=45)
    assert "PrometheusDown" not in course.alertmanager.names()
    assert course.alertmanager.posts[-2][0]["annotations"]["resolved_summary"] == "Prometheus is back"
    course.see(STORING, listed("A", "pending"), seconds=60)
    assert {"A", "B"} <= course.alertmanager.names()
    course.see(STORING, listed("A", "pending"), seconds=60)
    assert "B" not in course.alertmanager.names()
    assert "A" in course.alertmanager.names(), "for: 5m"
    posts = len(course.alertmanager.posts)
    course.see(STORING, listed("A"), seconds=300)
    assert course.guard.is_calm()
    assert len(course.alertmanager.posts) <= posts + 1
    assert course.alertmanager.said("B").count(False) == 1, "it is said once"
    assert False not in course.alertmanager.said("A")
    assert course.alertmanager.said("PrometheusDown").count(False) == 1


def without(alertmanager: FakeAlertmanager, *names: str) -> None:
    """End alerts, as Prometheus does."""
    kept = {key: alert for key, alert in alertmanager.alerts.items() if alert["labels"]["alertname"] not in names}
    alertmanager.alerts = kept


def test_storing_nothing_is_left_to_the_rules_and_what_ended_is_said_when_they_no_longer_inhibit(
    course: Course,
) -> None:
    course.see(NOT_STORING, listed("A"), listed("B"), seconds=60)
    for name, severity in (("PrometheusNotStoring", "critical"), ("AlertsOnHold", "none")):
        rule = sent(name, severity, job="prometheus", instance="")
        course.alertmanager.alerts[rule["fingerprint"]] = rule
    without(course.alertmanager, "A", "B")  # there is no data for them
    course.see(NOT_STORING, seconds=900)
    assert "PrometheusDown" not in course.alertmanager.names()
    assert not {"A", "B"} & course.alertmanager.names(), "Prometheus ends them again and again"
    without(course.alertmanager, "PrometheusNotStoring")
    course.see(STORING, listed("A", "pending"), seconds=90)
    assert "A" in course.alertmanager.names()
    course.see(STORING, listed("A"), seconds=90)
    assert False not in course.alertmanager.said("B"), "it would be dropped unsaid"
    without(course.alertmanager, "AlertsOnHold")
    course.see(STORING, listed("A"), seconds=30)
    assert course.alertmanager.said("B").count(False) == 1
    assert False not in course.alertmanager.said("A")
    assert course.alertmanager.said("PrometheusNotStoring") == course.alertmanager.said("AlertsOnHold") == []
    assert course.guard.is_calm()


def test_an_exporter_that_starts_meanwhile_holds_what_it_finds(course: Course) -> None:
    rule = sent("AlertsOnHold", "none", job="prometheus", instance="")
    course.alertmanager.alerts[rule["fingerprint"]] = rule
    course.restart()
    course.see(STORING, listed("A", "pending"), seconds=150)
    assert {"A", "B"} <= course.alertmanager.names()
    without(course.alertmanager, "AlertsOnHold")
    course.see(STORING, listed("A"), seconds=30)
    assert course.alertmanager.said("B")[-1] is False


def test_storing_nothing_is_said_if_no_rule_says_it(course: Course) -> None:
    course.see(NOT_STORING, seconds=240)
    (down,) = [a for a in course.alertmanager.alerts.values() if a["labels"]["alertname"] == "PrometheusDown"]
    assert down["annotations"]["summary"] == "Prometheus stores nothing"


def test_that_nothing_was_stored_ends_with_the_death_that_followed(course: Course) -> None:
    rule = sent("PrometheusNotStoring", "critical", job="prometheus", instance="")
    course.alertmanager.alerts[rule["fingerprint"]] = rule
    course.see(NOT_STORING, seconds=60)
    course.see(SILENT, seconds=180)
    assert {"PrometheusNotStoring", "PrometheusDown"} <= course.alertmanager.names()
    course.see(STORING, listed("A"), listed("B"), seconds=45)
    assert not {"PrometheusNotStoring", "PrometheusDown"} & course.alertmanager.names()
    course.see(STORING, listed("A"), listed("B"), seconds=300)
    assert course.alertmanager.said("PrometheusNotStoring").count(False) == 1


def test_an_exporter_that_restarts_goes_on(course: Course) -> None:
    course.see(SILENT, seconds=300)
    (before,) = [a for a in course.alertmanager.alerts.values() if a["labels"]["alertname"] == "PrometheusDown"]
    course.restart()
    course.see(SILENT)
    (after,) = [a for a in course.alertmanager.posts[-2] if a["labels"]["alertname"] == "PrometheusDown"]
    assert after["startsAt"] == before["startsAt"]
    assert {a["labels"]["alertname"] for a in course.alertmanager.posts[-1]} == {"A", "B"}
    course.restart()  # and if Prometheus is back by now
    course.see(STORING, listed("A"), seconds=300)
    assert course.alertmanager.names() == {"A", "Watchdog", "TestAlert"}
    assert course.alertmanager.said("B")[-1] is False


def test_the_alerts_of_another_exporter_are_not_taken_over(alertmanager: FakeAlertmanager) -> None:
    other = sent("PrometheusDown", "critical", rule=False, job="prometheus", hostname="db-01", instance="")
    alertmanager.alerts[other["fingerprint"]] = other
    course = Course(alertmanager)
    course.see(STORING, listed("A"), listed("B"), seconds=300)
    assert alertmanager.posts == []


def test_if_it_runs_out_the_words_are_no_good_news(course: Course) -> None:
    course.see(SILENT, seconds=120)
    words = course.alertmanager.posts[-2][0]["annotations"]
    assert words["unresolved"]
    assert "exporter that watched it has stopped too" in words["resolved_summary"]
    course.see(STORING, listed("A"), listed("B"), seconds=60)
    over = [p[0] for p in course.alertmanager.posts if p and p[0]["labels"]["alertname"] == "PrometheusDown"][-1]
    assert "unresolved" not in over["annotations"]


def test_a_slow_prometheus_that_ended_an_alert_itself_is_not_contradicted(course: Course) -> None:
    course.see(SILENT, seconds=30)
    for key in [key for key, alert in course.alertmanager.alerts.items() if alert["labels"]["alertname"] == "B"]:
        del course.alertmanager.alerts[key]
    course.see(SILENT, seconds=15)
    course.see(STORING, listed("A"), seconds=300)
    assert course.alertmanager.said("B") == [True], "once, before it was ended"
    assert course.guard.is_calm()


def test_one_that_alertmanager_still_hears_from_is_not_called_dead(course: Course) -> None:
    (watchdog,) = [a for a in course.alertmanager.alerts.values() if a["labels"]["alertname"] == "Watchdog"]
    for number in range(40):
        watchdog["updatedAt"] = str(number // 4)  # each minute
        course.see(SILENT)
    assert "PrometheusDown" not in course.alertmanager.names()
    course.see(SILENT, seconds=120)
    assert "PrometheusDown" in course.alertmanager.names()


def test_the_alerts_of_another_prometheus_are_its_own_affair(course: Course) -> None:
    for alert in (sent("Theirs"), sent("Watchdog", "none", instance="theirs")):
        course.alertmanager.alerts[alert["fingerprint"]] = alert | {"generatorURL": "http://other:9090/graph?g0.expr=y"}
    theirs = course.alertmanager.alerts[fingerprint(sent("Watchdog", "none", instance="theirs"))]
    for number in range(20):
        theirs["updatedAt"] = str(number)
        course.see(SILENT)
    assert "PrometheusDown" in course.alertmanager.names(), "theirs is alive, ours is not"
    course.see(STORING, listed("A"), seconds=300)
    assert course.alertmanager.said("Theirs") == []


def test_a_prometheus_that_asks_for_a_password_ends_its_alerts_itself(course: Course) -> None:
    course.see(SILENT, seconds=180)
    course.see(CLOSED, seconds=60)
    assert "PrometheusDown" not in course.alertmanager.names()
    course.see(CLOSED, seconds=300)
    assert course.guard.is_calm()
    assert False not in course.alertmanager.said("A") + course.alertmanager.said("B")


def test_alerts_that_name_no_rule_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with FakeAlertmanager(sent("A", rule=False)) as server:
        Course(server).see(SILENT, seconds=60)
    assert caplog.text.count("names the rule that made it") == 1


@pytest.mark.parametrize(
    "strange",
    [
        {"labels": 1},
        {"labels": {}},
        {"labels": {"alertname": 1}},
        {"annotations": None},
        {"updatedAt": 1},
        {"startsAt": None},
        {"status": None},
        {"status": {"silencedBy": 1}},
    ],
)
def test_strange_answers_of_alertmanager_keep_nothing_from_being_told(strange: Alert) -> None:
    with FakeAlertmanager(sent("A") | {"fingerprint": "x"} | strange) as server:
        Course(server).see(SILENT, seconds=180)
        assert {alert["labels"]["alertname"] for post in server.posts for alert in post} >= {"PrometheusDown"}


def test_an_alertmanager_that_is_back_is_told_what_it_missed(course: Course) -> None:
    course.alertmanager.status = 0
    assert not course.see(SILENT, seconds=120)
    course.alertmanager.status = 200
    assert course.see(SILENT, seconds=15)
    assert "PrometheusDown" in course.alertmanager.names()
    course.alertmanager.status = 0
    assert not course.see(STORING, listed("A"), seconds=120)
    course.alertmanager.status = 200
    course.see(STORING, listed("A"), seconds=60)
    assert course.alertmanager.names() == {"A", "Watchdog", "TestAlert"}


@pytest.mark.parametrize("state", [STORING, SILENT])
def test_a_silence_is_remembered_while_alertmanager_does_not_answer(state: State) -> None:
    quiet = sent("A") | SILENCED
    with FakeAlertmanager(quiet) as server:
        course = Course(server)
        course.see(STORING, listed("A"), seconds=60)
        assert course.guard.muted.silences(listed("A")["labels"])
        server.status = 0
        assert not course.see(state, listed("A"), seconds=60)
        assert course.guard.muted.silences(listed("A")["labels"])
        server.status = 200
        quiet["status"] = sent("A")["status"]
        assert course.see(STORING, listed("A"), seconds=15)
        assert not course.guard.muted.silences(listed("A")["labels"])


def test_several_alertmanagers_are_all_told_and_one_is_enough(alertmanager: FakeAlertmanager) -> None:
    with FakeAlertmanager() as second:
        course = Course(alertmanager, second.url, f"http://127.0.0.1:{free_port()}")
        assert course.see(STORING, seconds=60)
        assert course.see(SILENT, seconds=180)
        assert "PrometheusDown" in alertmanager.names() & second.names()


def test_a_prometheus_that_dies_again_while_it_settles_keeps_what_was_held(course: Course) -> None:
    course.see(SILENT, seconds=180)
    course.see(STORING, listed("A", "pending"), seconds=60)
    course.see(SILENT, seconds=180)
    assert {"A", "B", "PrometheusDown"} <= course.alertmanager.names()
    course.see(STORING, listed("A"), seconds=600)
    assert course.alertmanager.names() == {"A", "Watchdog", "TestAlert"}
    assert course.alertmanager.said("B").count(False) == 1
