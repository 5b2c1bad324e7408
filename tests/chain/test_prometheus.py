"""What a look at Prometheus finds, whatever answers there."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.chain import asking
from exporter.chain.asking import NoAnswerError, ask
from exporter.chain.pace import PACE
from exporter.chain.prometheus import Prometheus, State
from exporter.chain.starts import Starts
from tests.chain.support import FakePrometheus, listed
from tests.tools.ports import free_port

QUICK = replace(PACE, answer=1, stale=0.5)
SILENT, STARTING, CLOSED, RESTARTING, NOT_STORING, NOT_EVALUATING, STORING = State


def test_it_stores_and_lists_its_alerts() -> None:
    with FakePrometheus(0.1) as server:
        server.alerts = [listed("A")]
        look = Prometheus([server.url], QUICK).look()
    assert look.state is STORING
    assert [alert["labels"]["alertname"] for alert in look.alerts] == ["A"]


def test_what_fires_is_listed_with_how_long_its_rule_waits() -> None:
    with FakePrometheus(0.1) as server:
        server.alerts = [
            listed("A"),
            listed("A", severity="critical"),
            listed("B"),
            listed("Watchdog", severity="none"),
        ]
        one, other = [
            {"duration": wait, "alerts": [alert]} for wait, alert in zip((300, 60), server.alerts, strict=False)
        ]
        server.groups = [{"rules": [one]}, {"rules": [other, {"duration": 1, "alerts": None}]}]
        look = Prometheus([server.url], QUICK).look()
        assert [alert.get("for") for alert in look.alerts] == [300, 60, None, None]
        asked = server.asked
        server.alerts = server.alerts[3:]
        Prometheus([server.url], QUICK).look()
        assert server.asked == asked + asked - 1, "the rules are not asked for while all is well"


@pytest.mark.parametrize(
    "groups", [[{}], [7], {"a": 1}, [{"rules": [{"alerts": [{"labels": 1}], "duration": 1}]}], None]
)
def test_rules_of_another_form_do_no_harm(groups: Any) -> None:
    with FakePrometheus(0.1) as server:
        server.alerts, server.groups = [listed("A")], groups
        look = Prometheus([server.url], QUICK).look()
    assert (look.state, look.alerts) == (STORING, (listed("A"),))


@pytest.mark.parametrize("age", [0.6, 3600, None])
def test_an_old_sample_or_none_means_that_nothing_is_stored_unless_it_has_just_started(age: float | None) -> None:
    with FakePrometheus(age) as server:
        prometheus = Prometheus([server.url], QUICK)
        assert prometheus.look().state is STARTING
        time.sleep(QUICK.stale)
        assert prometheus.look().state is NOT_STORING
        server.status = 0
        assert prometheus.look().state is SILENT
        server.status = 200
        assert prometheus.look().state is STARTING
        server.age = 0.1
        assert prometheus.look().state is STORING


def test_one_that_does_not_scrape_itself_is_known_by_its_other_samples() -> None:
    with FakePrometheus(None) as server:
        server.age_of_any = 0.1
        assert Prometheus([server.url], QUICK).look().state is STORING


def test_its_own_rule_may_know_better() -> None:
    with FakePrometheus(0.1) as server:
        prometheus = Prometheus([server.url], QUICK)
        assert prometheus.look().state is STORING
        time.sleep(QUICK.stale)
        server.alerts = [listed("PrometheusNotStoring", "pending")]
        assert prometheus.look().state is STORING
        server.alerts = [listed("PrometheusNotStoring")]
        assert prometheus.look().state is NOT_STORING


def test_the_third_start_in_a_quarter_of_an_hour_is_a_crash_loop() -> None:
    with FakePrometheus(0.1) as server:
        prometheus = Prometheus([server.url], replace(QUICK, back_again=0.5))
        for number, state in enumerate([STORING, STORING, STORING, RESTARTING, RESTARTING]):
            server.started = f"2026-01-01T00:0{number}:00Z"
            assert prometheus.look().state is state
        time.sleep(0.5)
        assert prometheus.look().state is STORING


def test_starts_long_apart_are_no_crash_loop() -> None:
    starts = Starts(PACE)
    for number in range(10):
        starts.see(str(number), number * 500.0)
        starts.see("", number * 500.0)
        assert not starts.too_many(number * 500.0)


NOW = "now"
"""Replaced by the time of the test: these lines may be read long before."""


@pytest.mark.parametrize(
    ("groups", "state"),
    [
        ([], NOT_EVALUATING),
        ([{"rules": [], "lastEvaluation": NOW}], NOT_EVALUATING),
        ([{"rules": [{}], "lastEvaluation": "0001-01-01T00:00:00Z"}], NOT_EVALUATING),
        ([{"rules": [{}], "lastEvaluation": "2026-01-01T00:00:00.123456789Z"}], NOT_EVALUATING),
        ([{"rules": [{}], "lastEvaluation": NOW}], STORING),
        ([{"rules": 1}], STORING),
    ],
    ids=["none", "empty", "never", "long ago", "without a Watchdog", "nonsense"],
)
def test_rules_that_are_gone_or_stand_still_are_noticed(groups: list[Any], state: State) -> None:
    with FakePrometheus(0.1) as server:
        now = datetime.now(UTC).isoformat()
        server.groups = [
            {**group, "lastEvaluation": now} if group.get("lastEvaluation") == NOW else group for group in groups
        ]
        prometheus = Prometheus([server.url], replace(QUICK, silent=0.5))
        assert prometheus.look().state is STORING, "it has never had a Watchdog"
        server.alerts = [listed("Watchdog", severity="none")]
        assert prometheus.look().state is STORING
        server.alerts = []
        assert prometheus.look().state is STORING
        time.sleep(0.5)
        assert prometheus.look().state is state
        server.alerts = [listed("Watchdog", severity="none")]
        assert prometheus.look().state is STORING


def test_after_a_start_the_rules_have_time_to_begin() -> None:
    with FakePrometheus(0.1) as server:
        server.alerts = [listed("Watchdog", severity="none")]
        prometheus = Prometheus([server.url], replace(QUICK, silent=0.3, well=0.1))
        prometheus.look()
        server.alerts, server.status = [], 0
        time.sleep(0.4)
        assert prometheus.look().state is SILENT
        server.status = 200
        assert prometheus.look().state is STORING


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, SILENT),
        (500, SILENT),
        (502, SILENT),
        (404, SILENT),
        (503, STARTING),
        (401, CLOSED),
        (403, CLOSED),
        (429, CLOSED),
    ],
)
def test_an_error_is_no_answer_but_503_is_a_start_and_a_refusal_a_sign_of_life(status: int, state: State) -> None:
    with FakePrometheus() as server:
        server.status = status
        assert Prometheus([server.url], QUICK).look().state is state


def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with FakePrometheus() as server:
        server.status = 401
        prometheus = Prometheus([server.url], QUICK)
        prometheus.look()
        prometheus.look()
    assert caplog.text.count("401") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"{}",
        b"[]",
        b"null",
        b'{"data": 1}',
        b'{"data": {"alerts": [{}], "result": []}}',
        b"\xff" * 99,
    ],
)
def test_nonsense_is_no_answer(body: bytes) -> None:
    with FakePrometheus() as server:
        server.body = body
        assert Prometheus([server.url], QUICK).look().state is SILENT


def test_nobody_there_and_a_server_that_hangs_are_no_answer() -> None:
    with FakePrometheus() as server:
        assert Prometheus([f"http://127.0.0.1:{free_port()}"], QUICK).look().state is SILENT
        server.delay = 1.5
        assert Prometheus([server.url], QUICK).look().state is SILENT


def test_of_several_servers_the_best_counts() -> None:
    with FakePrometheus(0.1) as good, FakePrometheus(0.1) as bad:
        good.alerts, bad.alerts = [listed("A")], [listed("B")]
        bad.status = 0
        look = Prometheus([bad.url, good.url], QUICK).look()
        assert (look.state, len(look.alerts)) == (STORING, 1)
        bad.status = 200
        assert len(Prometheus([bad.url, good.url], QUICK).look().alerts) == 2


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n", b" "),
        (b"HTTP/1.0 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b""),
    ],
    ids=["body", "header", "continue", "nothing"],
)
def test_an_answer_that_trickles_in_does_not_hold_the_watch_up(first: bytes, more: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(first)
                with suppress(OSError):
                    for _ in range(60):
                        client.sendall(more)
                        time.sleep(0.1)

        thread = threading.Thread(target=trickle)
        thread.start()
        begin = time.monotonic()
        with pytest.raises(NoAnswerError, match="timed out"):
            ask(f"http://127.0.0.1:{server.getsockname()[1]}", 0.5)
        assert time.monotonic() - begin < 5
        thread.join()


def test_an_endless_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LARGEST", 10_000)
    with FakePrometheus() as server:
        server.body = b'["' + b"x" * 200_000 + b'"]'
        with pytest.raises(NoAnswerError):
            ask(server.url, 5)
