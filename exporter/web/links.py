"""The links to Grafana, Prometheus and Alertmanager: only where something answers, as far as that can be asked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from exporter.chain.asking import NoAnswerError, ask
from exporter.chain.judge import FEW
from exporter.chain.prometheus import State
from exporter.settings import Settings
from exporter.threads import Spare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Thread

    from exporter.chain.watch import View

AGAIN = 30.0
"""Seconds after which a page view lets the servers be asked again."""
WAIT = 2.0
"""Seconds for an answer."""
LARGEST = 64 * 1024
"""Bytes of an answer; a server at one of these ports may be anything."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the page's footer; ``trouble`` stands in its place if there is nothing to open."""

    name: str
    purpose: str
    url: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server: where it listens by default, and how to tell it from something else at that port."""

    name: str
    purpose: str
    setting: str
    path: str
    is_one: Callable[[Any], bool]


SERVERS = (
    Server("Grafana", "history", "grafana_url", "/api/health", lambda answer: bool(answer["database"])),
    Server(
        "Prometheus",
        "queries",
        "prometheus_url",
        "/api/v1/status/buildinfo",
        lambda answer: bool(answer["data"]["version"]),
    ),
    Server("Alertmanager", "alerts", "alertmanager_url", "/api/v2/status", lambda answer: bool(answer["versionInfo"])),
)


class Links:
    """Asks in the background while somebody looks at the page. ``shown`` never waits and may be called by any thread.

    A link that the owner has set is shown until its server is known not to answer, and then replaced by words. One of
    the defaults is shown once its server has answered, and replaced by words if it does not any more.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked = addresses(settings)
        self._answers: dict[str, bool] = {}
        self._ever: set[str] = set()
        self._begun = -inf
        self._thread: Thread | None = None
        self._threads = Spare("links", "links on the page may lead nowhere")

    def shown(self, asked_host: str, view: View | None) -> list[Link]:
        """Return the links of a page requested from this Host header. ``view`` says how the watched servers are."""
        self._ask_again()
        watched = _watched(view) if view else {}
        found = []
        for server in SERVERS:
            url = str(getattr(self._settings, server.setting)).replace("{host}", _host(asked_host))
            guessed = _is_default(self._settings, server)
            # In a container, localhost is the container, and what is watched is what the link leads to.
            if server.name in watched and (self._settings.rootfs or not guessed):
                answers, guessed = watched[server.name], False
            else:
                answers = self._answers.get(server.name, server.name not in self._asked or not guessed)
            if url and (answers or not guessed or server.name in self._ever):
                trouble = "" if answers else f"{server.name} does not answer"
                found.append(Link(server.name, server.purpose, url, trouble))
        return found

    def _ask_again(self) -> None:
        now = time.monotonic()
        asking = self._thread is not None and self._thread.is_alive()
        if self._asked and not asking and now - self._begun >= AGAIN:
            self._begun = now
            self._thread = self._threads.start(self._ask)

    def _ask(self) -> None:
        for server in SERVERS:
            if server.name in self._asked:
                self._answers[server.name] = _answers(server, self._asked[server.name])
                if self._answers[server.name]:
                    self._ever.add(server.name)


_DEFAULTS = Settings()


def addresses(settings: Settings) -> Mapping[str, str]:
    """Return where to ask each server whether it answers. One that the owner has set elsewhere may not be reachable."""
    found = {}
    for server in SERVERS:
        if _is_default(settings, server):
            found[server.name] = str(getattr(settings, server.setting)).replace("{host}", "localhost")
    if settings.grafana_check_url and settings.grafana_url:
        found["Grafana"] = settings.grafana_check_url.rstrip("/")
    return found


def _is_default(settings: Settings, server: Server) -> bool:
    """Return whether nobody has said where a server is, or whether there is one."""
    checked = server.name == "Grafana" and settings.grafana_check_url
    return not checked and getattr(settings, server.setting) == getattr(_DEFAULTS, server.setting)


def _answers(server: Server, address: str) -> bool:
    try:
        return server.is_one(ask(f"{address}{server.path}", WAIT, largest=LARGEST))
    except (NoAnswerError, LookupError, TypeError):
        return False


def _watched(view: View) -> dict[str, bool]:
    """Return which of the watched servers answer; a single request may fail. Before the first look nothing is known."""
    found = {}
    if view.seen or view.failures:
        found["Prometheus"] = view.failures < FEW or view.state is not State.SILENT
        if view.guarded:
            found["Alertmanager"] = view.deaf < FEW
    return found


def _host(asked: str) -> str:
    """Return the hostname under which a page was requested, as it stands in an address."""
    try:
        host = urlsplit(f"//{asked}").hostname or "localhost"
    except ValueError:  # a Host header that is not a host
        host = "localhost"
    return f"[{host}]" if ":" in host else host
