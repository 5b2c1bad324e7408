"""The chain of real servers on free ports, with the shipped configuration and shorter intervals."""

from __future__ import annotations

import json
import re
import urllib.parse
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Self

from exporter.settings import MOUNTPOINTS_EXCLUDED
from tests.support import fetch
from tests.support_servers import missing
from tests.tools.ports import free_port
from tests.tools.stack.chain import SERVICES, Chain, MissingError
from tests.tools.stack.shipped import ROOT, Shipped
from tests.tools.web import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.tools.stack.mailbox import Mailbox


# Every machine uses more memory than this, so an alert fires without any load.
ALERT = {"MEMORY_WARNING": "1"}

RESEND = 2
"""Seconds after which Prometheus sends a firing alert again; a minute as shipped.

Alertmanager considers an alert resolved when it has not received it for four times as long.
"""

ROUND = 2.0
"""Seconds from one ping of the heartbeat to the next; a minute as shipped."""

# The same in about a fifteenth of the time; what is not shortened does not matter here. keep_firing_for comes before
# "for", because its name ends with it. test_shipped.py checks that each value still occurs.
SHORTER = (
    ("scrape_interval: 15s", "scrape_interval: 1s"),
    ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ("refresh_interval: 1m", "refresh_interval: 1s"),
    ("interval: 5s", "interval: 1s"),
    ("    interval: 1m", "    interval: 1s"),
    ("90 + instance", "3 + instance"),
    ("offset 90s", "offset 3s"),
    ("offset 150s", "offset 9s"),
    ('"} offset 10m', '"} offset 10s'),
    ("[10m]", "[40s]"),
    ("[3m]", "[6s]"),
    ("body_size_limit: 32MB", "body_size_limit: 2MB"),
    ('"}[30m]', '"}[40s]'),
    ('"}[5m]', '"}[6s]'),
    ("[105s]", "[5s]"),
    ("[45s]", "[4s]"),
    ("[150s]", "[12s]"),
    ("[2m]", "[8s]"),
    (" < 120)", " < 30)"),
    ("host_uptime_seconds < 600", "host_uptime_seconds < 40"),
    ("[5m15s]", "[21s]"),
    ("[2m15s]", "[9s]"),
    ("[10m15s]", "[41s]"),
    ("[12m45s]", "[51s]"),
    ("[2m15s:15s]", "[9s:1s]"),
    ("[2m30s]", "[10s]"),
    ("max(timestamp(up)) > 45", "max(timestamp(up)) > 5"),
    ("max(timestamp(up)) < 45", "max(timestamp(up)) < 5"),
    ("offset 2m", "offset 8s"),
    ("[%.0fs:15s]", "[%.0fs:1s]"),
    ("[2h15m:15s]", "[2h15m:1s]"),
    ('$step := "15s"', '$step := "1s"'),
    ("60, 86400)", "4, 86400)"),
    ("keep_firing_for: 5m", "keep_firing_for: 20s"),
    # How the email reckons when it was over.
    ('"5m" }}{{ $over = .EndsAt.Add -300000000000', '"20s" }}{{ $over = .EndsAt.Add -20000000000'),
    ('"3m" }}{{ $over = .EndsAt.Add -180000000000', '"12s" }}{{ $over = .EndsAt.Add -12000000000'),
    ("keep_firing_for: 3m", "keep_firing_for: 12s"),
    ("for: 30s", "for: 3s"),
    ("for: 1m", "for: 4s"),
    # Prometheus does not scrape in the first 5 s after it has started.
    ("for: 70s", "for: 15s"),
    ("for: 75s", "for: 9s"),
    ("for: 2m", "for: 6s"),
    ("for: 3m", "for: 9s"),
    ("for: 5m", "for: 15s"),
    ("--rules.alert.for-grace-period=30s", "--rules.alert.for-grace-period=2s"),
    ("group_wait: 5s", "group_wait: 1s"),
    ("group_wait: 45s", "group_wait: 3s"),
    ("group_interval: 75s", "group_interval: 4s"),
    ("group_interval: 1m", f"group_interval: {ROUND:.0f}s"),
    ("repeat_interval: 30s", "repeat_interval: 1s"),
    ("resend-delay=55s", f"resend-delay={RESEND}s"),
)


def example() -> dict[str, str]:
    """Return the variables of .env.example and their defaults, including those that are commented out."""
    lines = re.findall(r"^#? *([A-Z][A-Z_]*)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == len(dict(lines)), "a variable occurs twice"
    return {name: default.strip("'") for name, default in lines}


def shorten(_name: str, text: str) -> str:
    """Return a configuration that differs only in its shorter intervals."""
    for long, short in SHORTER:
        text = text.replace(long, short)
    return text


def without_cpu(name: str, text: str) -> str:
    """Return such a configuration whose CPU alerts never fire, because other tests may keep the CPUs busy."""
    usage = "instance:host_cpu_usage:ratio\n              >="
    assert name != "alerts.yml" or text.count(usage) == 2
    return shorten(name, text.replace(usage, f"0 * {usage}"))


def make_chain(
    folder: Path,
    variables: Mapping[str, str] | None = None,
    *,
    mailbox: Mailbox | None = None,
    cpu: bool = False,
    loops: bool = False,
    resend: int = RESEND,
    **options: Any,
) -> Chain:
    """Return a chain that can be started, or skip the test if its servers are missing.

    CPU alerts can fire only with ``cpu``; such a test runs alone (marked load). Errors of loop devices fire alerts only
    with ``loops``: other tests break such disks meanwhile, and the kernel tells everybody.
    """
    ports = {f"{service.upper()}_PORT": str(free_port()) for service in SERVICES}
    # Only the load of a test may fire an alert, not the machine's full disk.
    quiet = {"FILESYSTEM_WARNING": "99.98", "FILESYSTEM_CRITICAL": "99.99", "RETENTION_SIZE": "64MB"}
    shipped = Shipped.read({**ports, **quiet, "MACHINE_NAME": "web-01", **(variables or {})}, dotenv=False)
    shorter = shorten if cpu else without_cpu

    def edit(name: str, text: str) -> str:
        if name == "alerts.yml":
            text = OF_THE_KERNEL.sub("", text)
        if name == "alerts.yml" and not loops:
            text = LOOPS.sub(r'\g<0>{device!~"loop.*|devid.*"}', text)
        return shorter(name, text).replace(f"resend-delay={RESEND}s", f"resend-delay={resend}s")

    try:
        chain = Chain(shipped, folder, mailbox=mailbox, edit=edit, **options)
    except MissingError as reason:
        missing(str(reason))
    # Other tests fill and break disks of their own meanwhile.
    disks = f"{MOUNTPOINTS_EXCLUDED},{gettempdir()}/*"
    chain.exporter.environment = {**chain.exporter.environment, "HOST_EXPORTER_EXCLUDE_MOUNTPOINTS": disks}
    return chain


LOOPS = re.compile(r"host_(?:filesystem_errors_total|btrfs_device_errors_total|btrfs_device_missing)(?![\w{])")
"""Where the rules ask for errors of disks."""


OF_THE_KERNEL = re.compile(
    r"^      - alert: Host(?:OomKill|Thrashing|TasksHung|LimitNear|ClockWrong|DiskSlow|RebootUnclean)\n"
    r".*?(?=^      - |^  - )",
    re.MULTILINE | re.DOTALL,
)
"""Alerts about what the kernel tells every machine of a test alike: other tests have programs killed meanwhile."""


class Relay:
    """A second machine to scrape: a real exporter's metrics, with one line changed while ``broken``."""

    def __init__(self, source: str, line: str, instead: str) -> None:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = fetch(f"{source}/metrics")
                text = answer.text
                assert text.count(f"\n{line}\n") == 1, f"the exporter does not say {line!r}"
                body = (text.replace(f"\n{line}\n", f"\n{instead}\n") if relay.broken else text).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.broken = True
        self._handler = Handler
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.address = self._stack.enter_context(serving(self._handler))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def query(chain: Chain, expression: str) -> list[dict[str, Any]]:
    """Return the result of an instant query."""
    parameters = urllib.parse.urlencode({"query": expression})
    answer = json.loads(fetch(f"{chain.urls['prometheus']}/api/v1/query?{parameters}").text)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def firing(chain: Chain) -> set[str]:
    """Return the names of the alerts that are firing in Prometheus, except for the Watchdog."""
    answer = json.loads(fetch(f"{chain.urls['prometheus']}/api/v1/alerts").text)
    names = {a["labels"]["alertname"] for a in answer["data"]["alerts"] if a["state"] == "firing"}
    return names - {"Watchdog", "HostRebooted", "HostRebootUnclean"}


def subjects(chain: Chain, text: str) -> list[str]:
    """Return the email subjects that contain a text; a test's own trouble may cause other emails."""
    return [subject for subject in chain.mailbox.subjects() if text in subject]


@contextmanager
def failing(chain: Chain, collector: str) -> Iterator[Relay]:
    """Add a machine with a failing collector."""
    line = f'host_exporter_collector_success{{collector="{collector}"}}'
    with Relay(chain.urls["exporter"], f"{line} 1.0", f"{line} 0.0") as relay:
        (chain.targets / f"{collector}.yml").write_text(f'- targets: ["{relay.address}"]\n')
        yield relay
