"""The page and /api/stats show how the monitoring itself is doing, first; the machine's own metrics do not."""

from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest

from exporter.chain import firing as firing_module
from exporter.chain.findings import findings
from exporter.chain.pace import Pace
from exporter.chain.watch import Watch
from exporter.sampling.history import History
from exporter.web import create_app
from tests.chain.support import SILENCED, FakeAlertmanager, FakePrometheus, listed, sent
from tests.machines import FixtureMachine
from tests.support import Exporter, wait_for
from tests.support_browser import faint_texts
from tests.tools.ports import free_port
from tests.web.test_page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from playwright.sync_api import Browser
    from werkzeug.test import TestResponse


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as server:
        yield server


def client(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    machine = FixtureMachine("laptop", tmp_path, monkeypatch)
    machine.prime()
    return create_app(machine.sampler, machine.settings, History(), watch).test_client()


def watched(
    prometheus: FakePrometheus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    alertmanager: str = "",
    **settings: float,
) -> tuple[Callable[[], TestResponse], str]:
    """Return what asks for the page of a machine that is well, after a look at Prometheus, and the machine's name."""
    limits = {"cpu": 100.0, "memory": 100.0, "filesystem": 100.0}
    chosen = {f"{name}_critical": limit for name, limit in limits.items()}
    chosen |= {f"{name}_warning": 99.9 for name in limits} | settings
    machine = FixtureMachine("laptop", tmp_path, monkeypatch, hostname="web-01", exclude_mountpoints="/mnt/*", **chosen)
    machine.prime()
    watch = Watch([prometheus.url], [alertmanager] if alertmanager else [], "web-01")
    asked = create_app(machine.sampler, machine.settings, History(), watch).test_client()

    def look() -> TestResponse:
        watch.look()
        return asked.get("/")

    return look, "web-01"


def test_what_is_wrong_with_the_chain_comes_first_and_counts(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch([prometheus.url], [f"http://127.0.0.1:{free_port()}"], "web-01")
    asked = client(watch, tmp_path, monkeypatch)
    before = json.loads(asked.get("/api/stats").data)
    failing = listed("AlertmanagerNotificationsFailing", severity="critical", integration="email", job="alertmanager")
    prometheus.alerts = [failing, listed("HostHighCpu")]
    watch.look()
    watch.look()
    answer = Page(asked.get("/").text)
    assert [text for _, text in answer.all("li")][:2] == ["Alertmanager does not answer", "Emails cannot be sent"]
    badge, words = answer.one("p", id="badge")
    assert badge["class"] == "critical"
    critical = sum(each["level"] == "critical" and each["kind"] != "HostFilesystemError" for each in before["findings"])
    assert words.startswith(f"{critical + 2} critical")
    stats = json.loads(asked.get("/api/stats").data)
    assert stats["level"] == "critical"
    assert [(each["kind"], each["level"]) for each in stats["findings"][:2]] == [
        ("PrometheusAlertmanagerMissing", "critical"),
        ("AlertmanagerNotificationsFailing", "critical"),
    ]
    assert stats["findings"][2:] == before["findings"]
    assert stats["levels"] == before["levels"]


def test_a_prometheus_that_is_gone_is_critical_while_the_machine_is_well(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch([prometheus.url])
    asked = client(watch, tmp_path, monkeypatch)
    level = json.loads(asked.get("/api/stats").data)["level"]
    prometheus.status = 0
    watch.look()
    assert level == json.loads(asked.get("/api/stats").data)["level"], "a single request may fail"
    watch.look()
    assert Page(asked.get("/").text).all("li")[0][1] == "Prometheus does not answer"
    assert json.loads(asked.get("/api/stats").data)["level"] == "critical"
    metrics = asked.get("/metrics").text
    assert f"\nhost_level {('ok', 'warning', 'critical').index(level)}.0\n" in metrics, "that is the machine's"


def test_a_slow_prometheus_does_not_delay_the_page(prometheus: FakePrometheus) -> None:
    prometheus.delay = 1
    watch = Watch([prometheus.url], pace=Pace(viewed=0, well=60))
    watch.start()
    try:
        start = time.monotonic()
        assert [watch.view().failures for _ in range(50)] == [0] * 50
        assert time.monotonic() - start < 0.9
        assert len([thread for thread in threading.enumerate() if thread.name == "chain"]) == 1
    finally:
        watch.stop()


def test_a_view_brings_the_next_look_forward_but_not_at_once_again(prometheus: FakePrometheus) -> None:
    watch = Watch([prometheus.url], pace=Pace(viewed=0.5, well=60))
    watch.start()
    try:
        wait_for(lambda: prometheus.asked == 3)
        for _ in range(5):
            watch.view()
        time.sleep(0.7)
        assert prometheus.asked == 3, "the last look was recent"
        watch.view()
        wait_for(lambda: prometheus.asked == 6)
    finally:
        watch.stop()


def test_a_look_that_never_ends_is_noticed(prometheus: FakePrometheus) -> None:
    prometheus.delay = 2
    watch = Watch([prometheus.url], pace=Pace(viewed=0, overdue=0.5))
    assert findings(watch.view()) == (), "it has not been started"
    watch.start()
    try:
        wait_for(lambda: [each.reason for each in findings(watch.view())] == ["has not been looked at for minutes"])
    finally:
        watch.stop()


def test_the_watch_outlives_a_look_that_fails(prometheus: FakePrometheus, caplog: pytest.LogCaptureFixture) -> None:
    with FakeAlertmanager({"fingerprint": "x", "labels": {"alertname": "A"}, "generatorURL": 1, "status": 7}) as server:
        prometheus.status = 0
        watch = Watch([prometheus.url], [server.url], pace=Pace(doubt=0.1, well=0.1))
        watch.start()
        try:
            wait_for(lambda: prometheus.asked >= 4)
        finally:
            watch.stop()
    assert "Traceback" not in caplog.text


def test_an_alert_that_fires_here_is_in_badge_list_and_title_and_leads_to_its_runbook(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name = watched(prometheus, tmp_path, monkeypatch)
    filling = listed("HostFilesystemFillingUp", hostname=name, mountpoint="/srv")
    filling["annotations"] = {
        "summary": "/srv is full in 3 hours",
        "runbook_url": "http://localhost:5000/runbooks#hostfilesystemfillingup",
    }
    prometheus.alerts = [filling, listed("Watchdog", severity="none")]
    answer = Page(asked().text)
    assert answer.one("a", href="runbooks#HostFilesystemFillingUp")[1] == "/srv is full in 3 hours"
    badge, words = answer.one("p", id="badge")
    assert (badge["class"], words) == ("warning", "1 warning")
    assert answer.title() == f"{name}: 1 warning"
    assert answer.one("link", rel="icon")[0]["href"] == "static/warning.svg"
    assert "iring" not in answer.one("footer")[1]


def test_an_alert_that_is_over_and_has_not_ended_is_not_all_well(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name = watched(prometheus, tmp_path, monkeypatch)
    over = listed("HostHighCpu", severity="critical", hostname=name) | {"keepFiringSince": "2026-01-31T22:03:04Z"}
    prometheus.alerts = [over, over | {"labels": over["labels"] | {"severity": "warning"}}]
    answer = Page(asked().text)
    badge, words = answer.one("p", id="badge")
    assert (badge["class"], words) == ("warning", "1 alert ending")
    ((shown, text),) = answer.all("li")
    assert shown["class"] == "over"
    assert text.startswith("Over since 31 Jan 22:03 UTC: HostHighCpu is wrong.")
    assert "word" not in str(answer.one("h2", id="cpu")), "the card shows how the CPU is now"
    assert answer.one("h2", id="cpu")[1] == "CPU"


def test_what_the_figures_show_is_not_said_again_by_its_alert(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name = watched(prometheus, tmp_path, monkeypatch, memory_warning=1)
    before = Page(asked().text).all("li")
    assert len(before) == 1
    prometheus.alerts = [listed("HostHighMemory", hostname=name)]
    assert Page(asked().text).all("li") == before
    prometheus.alerts = [listed("HostHighMemory", severity="critical", hostname=name)]
    assert len(Page(asked().text).all("li")) == 2, "that it is critical is news"


def test_what_fires_elsewhere_is_listed_apart_and_counts_there(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, _ = watched(prometheus, tmp_path, monkeypatch)
    prometheus.alerts = [listed("HostHighCpu", hostname=f"db-{number}", instance=f"{number}:1") for number in range(9)]
    answer = Page(asked().text)
    assert answer.one("p", id="badge")[1] == "all well"
    assert [text for _, text in answer.all("li")] == [
        *(f"warning: db-{number} HostHighCpu is wrong" for number in range(6)),
        "and 3 more",
    ]
    assert answer.one("h2", id="elsewhere")[1] == "Firing elsewhere 9 warnings"


def test_a_silenced_alert_is_listed_and_does_not_count(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeAlertmanager() as alertmanager:
        asked, name = watched(prometheus, tmp_path, monkeypatch, alertmanager.url)
        prometheus.alerts = [listed("HostFilesystemFillingUp", hostname=name)]
        assert Page(asked().text).one("p", id="badge")[1] == "1 warning"
        silenced = sent("HostFilesystemFillingUp", hostname=name) | SILENCED
        alertmanager.alerts[silenced["fingerprint"]] = silenced
        answer = Page(asked().text)
    assert answer.one("p", id="badge")[1] == "all well"
    assert [text for _, text in answer.all("li")] == ["Silenced: HostFilesystemFillingUp is wrong"]


def test_what_the_figures_show_says_itself_that_its_alert_is_silenced_and_counts(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeAlertmanager() as alertmanager:
        asked, name = watched(prometheus, tmp_path, monkeypatch, alertmanager.url, memory_warning=1)
        ((_, before),) = Page(asked().text).all("li")
        here = {level: listed("HostHighMemory", severity=level, hostname=name) for level in ("warning", "critical")}
        silenced = [sent("HostHighMemory", severity=level, hostname=name) | SILENCED for level in here]
        alertmanager.alerts |= {each["fingerprint"]: each for each in silenced}
        prometheus.alerts = [here["warning"]]
        answer = Page(asked().text)
        assert [text for _, text in answer.all("li")] == [f"{before}. Silenced in Alertmanager"]
        assert answer.one("p", id="badge")[1] == "1 warning", "it is as full as it was"
        prometheus.alerts = [here["critical"]]
        assert [text for _, text in Page(asked().text).all("li")] == [before, "Silenced: HostHighMemory is wrong"]


def test_that_a_warning_is_silenced_says_nothing_about_worse(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silenced = sent("HostHighMemory", hostname="web-01") | SILENCED
    with FakeAlertmanager(silenced) as alertmanager:
        asked, name = watched(prometheus, tmp_path, monkeypatch, alertmanager.url, memory_warning=1, memory_critical=2)
        prometheus.alerts = [listed("HostHighMemory", hostname=name)]
        worse, warning = [text for _, text in Page(asked().text).all("li")]
    assert "critical" in worse
    assert "ilenced" not in worse
    assert warning == "Silenced: HostHighMemory is wrong"


@pytest.mark.browser
def test_alerts_are_legible_and_fit_a_phone(prometheus: FakePrometheus, browser: Browser) -> None:
    here = {"hostname": "web-01"}
    long = "a-name-without-any-space-in-it" * 3
    prometheus.alerts = [
        listed("HostFilesystemFillingUp", mountpoint=f"/srv/{long}", **here),
        listed("HostFilesystemFull", severity="critical", mountpoint="/x", **here),
        listed("HostExporterFlapping", **here) | {"keepFiringSince": "2026-01-31T22:03:04Z"},
        listed("HostBatteryLow", **here),
        listed("AppDown", severity="critical", job="digits", instance=f"{long}:1"),
        listed("HostHighMemory", hostname="db-01", instance="b:1"),
    ]
    prometheus.alerts[0]["annotations"]["summary"] = f"Filesystem /srv/{long} is full in 3 hours"
    silenced = sent("HostBatteryLow", hostname="web-01") | SILENCED
    with (
        FakeAlertmanager(silenced) as alertmanager,
        Exporter(
            *("--alerts-url", prometheus.url, "--hostname", "web-01"),
            env={"HOST_EXPORTER_TEST_ALERT_URL": alertmanager.url},
        ) as exporter,
    ):
        wait_for(lambda: "Silenced" in exporter.get("/").text)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
            page.goto(exporter.url)
            kinds = "[...document.querySelectorAll('.alerts li, .elsewhere li')].map(each => each.className)"
            assert set(page.evaluate(kinds)) >= {"critical", "warning", "over", "silenced"}
            assert faint_texts(page, ".alerts") == faint_texts(page, ".elsewhere") == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            page.close()


def test_what_a_dead_prometheus_said_last_stays_with_its_time(
    prometheus: FakePrometheus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, name = watched(prometheus, tmp_path, monkeypatch)
    prometheus.alerts = [listed("HostFilesystemFillingUp", hostname=name)]
    asked()
    prometheus.status = 0
    asked()
    monkeypatch.setattr(firing_module, "FRESH", -1)
    first, second = [text for _, text in Page(asked().text).all("li")]
    assert first == "Prometheus does not answer"
    assert re.fullmatch(r"HostFilesystemFillingUp is wrong \(as of \d\d:\d\d UTC\)", second)


def test_without_an_address_no_server_is_asked(prometheus: FakePrometheus) -> None:
    with Exporter(env={"HOST_EXPORTER_TEST_ALERT_URL": prometheus.url}) as exporter:
        exporter.get("/")
        time.sleep(0.3)
        assert "does not answer" not in exporter.get("/").text
    assert prometheus.asked == 0


def test_several_servers_may_be_named(prometheus: FakePrometheus) -> None:
    prometheus.alerts = [listed("AppDown", job="digits", instance="b:1")]
    dead = f"http://127.0.0.1:{free_port()}"
    with FakeAlertmanager() as alertmanager:
        env = {"HOST_EXPORTER_TEST_ALERT_URL": f"{dead}, {alertmanager.url}/"}
        with Exporter("--alerts-url", f"{dead},{prometheus.url}/", env=env) as exporter:
            wait_for(lambda: "b:1" in exporter.get("/").text)
            assert alertmanager.asked
