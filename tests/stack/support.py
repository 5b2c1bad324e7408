"""The chain of real servers on free ports, with the shipped configuration and shorter intervals."""

from __future__ import annotations

import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Any, TypeVar

from tests.support import fetch
from tests.support_servers import missing
from tests.tools.stack.chain import SERVICES, Chain, MissingError, free_port
from tests.tools.stack.shipped import Shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.tools.stack.mailbox import Mailbox

T = TypeVar("T")

# The same in about a fifteenth of the time; what stays long is long enough not to matter.
SHORTER = (
    ("scrape_interval: 15s", "scrape_interval: 1s"),
    ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ("refresh_interval: 1m", "refresh_interval: 1s"),
    ("interval: 5s", "interval: 1s"),
    ("[45s]", "[4s]"),
    ("[2m]", "[8s]"),
    ("increase(prometheus_sd_file_read_errors_total[5m])", "increase(prometheus_sd_file_read_errors_total[10s])"),
    ("for: 1m", "for: 4s"),
    ("for: 2m", "for: 6s"),
    ("keep_firing_for: 5m", "keep_firing_for: 20s"),
    ("keep_firing_for: 3m", "keep_firing_for: 12s"),
    ("group_wait: 5s", "group_wait: 1s"),
    ("group_interval: 30s", "group_interval: 2s"),
)


def shorten(_name: str, text: str) -> str:
    """Return a configuration with shorter intervals and nothing else changed."""
    for long, short in SHORTER:
        text = text.replace(long, short)
    return text


def make_chain(
    folder: Path, variables: Mapping[str, str] | None = None, *, mailbox: Mailbox | None = None, **options: Any
) -> Chain:
    """Return a chain that can be started, or skip where its servers are not to be had."""
    ports = {f"{service.upper()}_PORT": str(free_port()) for service in SERVICES}
    # Only what a test loads may raise an alert, not how full the machine's disk is.
    quiet = {"FILESYSTEM_WARNING": "99.98", "FILESYSTEM_CRITICAL": "99.99"}
    shipped = Shipped.read({**ports, **quiet, "MACHINE_NAME": "web-01", **(variables or {})})
    try:
        return Chain(
            shipped, folder, mailbox=mailbox, edit=shorten, prometheus=("--rules.alert.resend-delay=2s",), **options
        )
    except MissingError as reason:
        missing(str(reason))


def query(chain: Chain, expression: str) -> list[dict[str, Any]]:
    """Return what an instant query gives."""
    parameters = urllib.parse.urlencode({"query": expression})
    answer = json.loads(fetch(f"{chain.urls['prometheus']}/api/v1/query?{parameters}").text)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def firing(chain: Chain) -> set[str]:
    """Return the names of the alerts that fire at Prometheus, but for the Watchdog."""
    answer = json.loads(fetch(f"{chain.urls['prometheus']}/api/v1/alerts").text)
    names = {a["labels"]["alertname"] for a in answer["data"]["alerts"] if a["state"] == "firing"}
    return names - {"Watchdog", "HostRebooted"}


def eventually(question: Callable[[], T], seconds: float = 60, what: str = "it did not happen") -> T:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := question():
                return answer
        except OSError:
            pass
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
