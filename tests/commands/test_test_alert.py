"""``host-exporter test-alert`` up to Alertmanager's API; tests/compose shows that the email arrives."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import run
from tests.tools.ports import free_port
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
global:
  smtp_smarthost: mail.example.org:587
route:
  receiver: mail
  routes:
  - receiver: heartbeat
    matchers:
    - alertname=~"Watchdog"
    - severity="none"
receivers:
- name: mail
  email_configs:
  - send_resolved: true
    to: owner@example.org
    smarthost: mail.example.org:587
"""


@contextmanager
def alertmanager(answer: bytes = b"", status: int = 200, config: str = CONFIG) -> Iterator[tuple[str, list[Any]]]:
    """A server that responds like Alertmanager's API v2; the list holds what was posted to it."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(answer)

        def do_GET(self) -> None:
            self._answer(json.dumps({"config": {"original": config}}).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as address:
        yield f"http://{address}", posted


def test_it_posts_one_alert_and_says_where_the_mail_goes() -> None:
    with alertmanager() as (url, posted):
        done = run("test-alert", url, "--hostname", "web-01")
    assert done.returncode == 0, done.stderr
    [[alert]] = posted
    assert re.fullmatch(r"\d\d:\d\d:\d\d", alert["labels"].pop("sent")), "each is a new alert"
    assert alert["labels"] == {
        "alertname": "TestAlert",
        "severity": "warning",
        "job": "host",
        "instance": "web-01",
        "hostname": "web-01",
    }
    assert alert["endsAt"] > alert["startsAt"]
    assert 'an email to owner@example.org through mail.example.org:587: "[WARNING] web-01: Test alert' in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [("", "", "The heartbeat is set"), ('"Watchdog"', '""', "No heartbeat"), ("heartbeat", "pager", "")],
    ids=["on", "off", "another configuration"],
)
def test_it_says_whether_somebody_outside_is_told(old: str, new: str, expected: str) -> None:
    with alertmanager(config=CONFIG.replace(old, new)) as (url, _):
        done = run("test-alert", url)
    found = [line for line in done.stdout.splitlines() if "eartbeat" in line]
    assert [expected in line for line in found] == ([True] if expected else [])


def test_the_address_may_come_from_a_variable_and_no_proxy_is_asked() -> None:
    with alertmanager() as (url, posted):
        nowhere = f"http://127.0.0.1:{free_port()}"
        done = run("test-alert", env={"HOST_EXPORTER_TEST_ALERT_URL": f"{url}/", "http_proxy": nowhere})
    assert done.returncode == 0, done.stderr
    assert len(posted) == 1


def test_it_names_the_address_that_a_browser_can_open() -> None:
    """In a container, Alertmanager has a name that only the other containers know."""
    with alertmanager() as (url, posted):
        page = "http://monitor.example.org:19093"
        done = run("test-alert", url, env={"HOST_EXPORTER_TEST_ALERT_PAGE": f"{page}/"})
        usual = run("test-alert", url)
    assert len(posted) == 2
    assert f"{page}/#/alerts" in done.stdout
    assert url not in done.stdout
    assert f"{url}/#/alerts" in usual.stdout


def test_nobody_there_is_one_clear_line() -> None:
    port = free_port()
    done = run("test-alert", f"http://127.0.0.1:{port}")
    text = f"host-exporter: http://127.0.0.1:{port}/api/v2/alerts: Connection refused; is Alertmanager running there?\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", text)


@pytest.mark.parametrize(("status", "answer"), [(404, b""), (500, b"oops"), (200, b"<html>")])
def test_what_is_no_alertmanager_is_said_in_one_line(status: int, answer: bytes) -> None:
    with alertmanager(answer, status) as (url, _):
        done = run("test-alert", url)
    assert done.returncode == 1
    assert done.stderr.startswith(f"host-exporter: {url}/api/v2/alerts: ")
    assert done.stderr.count("\n") == 1


def test_several_alertmanagers_all_get_it_and_one_that_is_gone_is_named() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with alertmanager() as (one, first), alertmanager() as (two, second):
        done = run("test-alert", f"{one},{nowhere},{two}/")
    assert done.returncode == 0, done.stderr
    assert first == second != []
    assert f"Alertmanager at {one} accepted" in done.stdout
    assert f"Not accepted everywhere: {nowhere}/api/v2/alerts: Connection refused" in done.stdout
    assert run("test-alert", f"{nowhere},{nowhere}").returncode == 1
    assert run("test-alert", f"{nowhere},nonsense").returncode == 2
