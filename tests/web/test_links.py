"""The links to Grafana, Prometheus and Alertmanager lead to something that answers."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest

from exporter.chain.asking import NoAnswerError, ask
from exporter.chain.prometheus import State
from exporter.chain.watch import View
from exporter.settings import Settings
from exporter.web import links as links_module
from exporter.web.links import SERVERS, Links, addresses
from tests.support import wait_for
from tests.tools.ports import free_port
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "box:5000"
ELSEWHERE = {"grafana_url": "https://grafana.example", "prometheus_url": "", "alertmanager_url": ""}


class Grafana:
    """Answers as Grafana does; ``body`` replaces the answer, and a ``target`` is redirected to."""

    def __init__(self) -> None:
        grafana = self
        self.body: Any = {"database": "ok", "version": "12.4.11"}
        self.target = ""
        self.delay = 0.0
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                grafana.asked.append(self.path)
                time.sleep(grafana.delay)
                body = json.dumps(grafana.body).encode()
                self.send_response(302 if grafana.target else 200)
                if grafana.target:
                    self.send_header("Location", grafana.target)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.handler = Handler
        self.url = ""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def grafana(stack: ExitStack) -> Grafana:
    server = Grafana()
    server.url = f"http://{stack.enter_context(serving(server.handler))}"
    return server


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every view ask again."""
    monkeypatch.setattr(links_module, "AGAIN", 0.0)


def said(links: Links, view: View | None = None) -> dict[str, str]:
    """Return what stands for each server after it has been asked: its address, or what is wrong with it."""
    links.shown(HOST, view)
    wait_for(lambda: all(thread.name != "links" for thread in threading.enumerate()))
    return {link.name: link.trouble or link.url for link in links.shown(HOST, view)}


def use_defaults(monkeypatch: pytest.MonkeyPatch, **urls: str) -> Settings:
    """Return settings in which these addresses are what nobody has changed, and nothing answers at the others."""
    ports = {f"{each.name.lower()}_url": f"http://{{host}}:{free_port()}" for each in SERVERS}
    settings = Settings(**(ports | urls))  # type: ignore[arg-type]
    monkeypatch.setattr(links_module, "_DEFAULTS", settings)
    return settings


def test_nothing_is_linked_where_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(Links(use_defaults(monkeypatch))) == {}


def test_the_defaults_are_asked_on_this_machine() -> None:
    assert addresses(Settings()) == {
        "Grafana": "http://localhost:3000",
        "Prometheus": "http://localhost:9090",
        "Alertmanager": "http://localhost:9093",
    }


def test_a_server_that_begins_to_answer_is_linked_and_missed_when_it_stops(
    grafana: Grafana, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = Links(use_defaults(monkeypatch, grafana_url=grafana.url.replace("127.0.0.1", "{host}")))
    port = grafana.url.rpartition(":")[2]
    assert said(links) == {"Grafana": f"http://box:{port}"}
    assert grafana.asked[0] == "/api/health"
    grafana.body = "down"
    assert said(links) == {"Grafana": "Grafana does not answer"}
    grafana.body = {"database": "ok"}
    assert said(links) == {"Grafana": f"http://box:{port}"}


@pytest.mark.parametrize("body", [None, [], 7, "database", {"data": None}, {"x": "y" * 100_000, "database": "ok"}])
def test_another_server_at_the_port_is_not_linked(grafana: Grafana, body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    grafana.body = body
    urls = {f"{each.name.lower()}_url": grafana.url for each in SERVERS}
    assert said(Links(use_defaults(monkeypatch, **urls))) == {}


def test_a_link_of_the_owners_is_shown_and_not_asked(grafana: Grafana) -> None:
    links = Links(Settings(grafana_url=grafana.url, prometheus_url="", alertmanager_url="https://a.example/x?y=1"))
    assert said(links) == {"Grafana": grafana.url, "Alertmanager": "https://a.example/x?y=1"}
    assert grafana.asked == []


def test_where_grafana_is_asked_may_be_said(grafana: Grafana) -> None:
    links = Links(Settings(**ELSEWHERE, grafana_check_url=f"{grafana.url}/"))  # type: ignore[arg-type]
    assert [link.url for link in links.shown(HOST, None)] == ["https://grafana.example"], (
        "until something else is known"
    )
    assert said(links) == {"Grafana": "https://grafana.example"}
    grafana.body = "no"
    assert said(links) == {"Grafana": "Grafana does not answer"}


def test_no_redirect_to_another_host_is_followed(grafana: Grafana, stack: ExitStack) -> None:
    other = Grafana()
    there = stack.enter_context(serving(other.handler)).replace("127.0.0.1", "localhost")
    grafana.target = f"http://{there}/api/health"
    with pytest.raises(NoAnswerError):
        ask(f"{grafana.url}/api/health", 5)
    assert other.asked == []
    grafana.target = grafana.target.replace("localhost", "127.0.0.1")
    assert ask(f"{grafana.url}/api/health", 5) == other.body


def test_a_server_that_hangs_delays_nobody(grafana: Grafana) -> None:
    grafana.delay = 2
    links = Links(Settings(**ELSEWHERE, grafana_check_url=grafana.url))  # type: ignore[arg-type]
    start = time.monotonic()
    for _ in range(50):
        links.shown(HOST, None)
    assert time.monotonic() - start < 1.5
    assert len([thread for thread in threading.enumerate() if thread.name == "links"]) == 1
    wait_for(lambda: all(thread.name != "links" for thread in threading.enumerate()))


def test_it_is_asked_when_somebody_looks_and_not_each_time(grafana: Grafana, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links_module, "AGAIN", 30.0)
    links = Links(Settings(**ELSEWHERE, grafana_check_url=grafana.url))  # type: ignore[arg-type]
    assert grafana.asked == []
    for _ in range(5):
        said(links)
    assert len(grafana.asked) == 1


WELL = View(seen=1, guarded=True)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (WELL, {"Prometheus": "http://box:1", "Alertmanager": "http://box:2"}),
        (
            View(State.SILENT, failures=2, deaf=2, guarded=True),
            {"Prometheus": "Prometheus does not answer", "Alertmanager": "Alertmanager does not answer"},
        ),
        (
            View(State.SILENT, failures=1, deaf=1, guarded=True),
            {"Prometheus": "http://box:1", "Alertmanager": "http://box:2"},
        ),
        (View(State.CLOSED, failures=9), {"Prometheus": "http://box:1", "Alertmanager": "http://box:2"}),
    ],
    ids=["well", "gone", "once", "closed"],
)
def test_of_the_watched_servers_the_watch_knows(view: View, expected: dict[str, str]) -> None:
    settings = Settings(grafana_url="", prometheus_url="http://{host}:1", alertmanager_url="http://{host}:2")
    assert said(Links(settings), view) == expected


@pytest.mark.parametrize(
    ("asked", "host"),
    [("box.home.arpa:5000", "box.home.arpa"), ("[::1]:5000", "[::1]"), ("10.0.0.7", "10.0.0.7"), ("[", "localhost")],
)
def test_links_lead_to_the_host_the_page_was_requested_from(asked: str, host: str) -> None:
    settings = Settings(grafana_url="http://{host}:1", prometheus_url="", alertmanager_url="")
    assert [link.url for link in Links(settings).shown(asked, None)] == [f"http://{host}:1"]
