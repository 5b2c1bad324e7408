"""The page and /api/stats show how the monitoring itself is doing, first; the machine's own metrics do not."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from exporter.chain.findings import findings
from exporter.chain.pace import Pace
from exporter.chain.watch import Watch
from exporter.sampling.history import History
from exporter.web import create_app
from tests.chain.support import FakeAlertmanager, FakePrometheus, listed
from tests.machines import FixtureMachine
from tests.support import Exporter, wait_for
from tests.tools.ports import free_port
from tests.web.test_page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as server:
        yield server


def client(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    machine = FixtureMachine("laptop", tmp_path, monkeypatch)
    machine.prime()
    return create_app(machine.sampler, machine.settings, History(), watch).test_client()


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
    assert "not answering" in asked.get("/").text.partition("<footer>")[2]
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


@pytest.mark.parametrize("flags", [(), ("--prometheus-url", "none")], ids=["with a link", "without a link"])
def test_the_page_shows_firing_alerts_beside_the_link(prometheus: FakePrometheus, flags: tuple[str, ...]) -> None:
    prometheus.alerts = [listed("AlertmanagerNotificationsFailing")]
    with Exporter("--alerts-url", prometheus.url, *flags) as exporter:
        wait_for(lambda: "1 firing: AlertmanagerNotificationsFailing" in exporter.get("/").text)


def test_without_an_address_no_server_is_asked(prometheus: FakePrometheus) -> None:
    with Exporter(env={"HOST_EXPORTER_TEST_ALERT_URL": prometheus.url}) as exporter:
        exporter.get("/")
        time.sleep(0.3)
        assert "not answering<" not in exporter.get("/").text.partition("<footer>")[2]
    assert prometheus.asked == 0


def test_several_servers_may_be_named(prometheus: FakePrometheus) -> None:
    prometheus.alerts = [listed("A")]
    dead = f"http://127.0.0.1:{free_port()}"
    with FakeAlertmanager() as alertmanager:
        env = {"HOST_EXPORTER_TEST_ALERT_URL": f"{dead}, {alertmanager.url}/"}
        with Exporter("--alerts-url", f"{dead},{prometheus.url}/", env=env) as exporter:
            wait_for(lambda: "1 firing: A" in exporter.get("/").text)
            assert alertmanager.asked
