"""Posts a test alert to Alertmanager, to check that email gets through."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.address import is_web_address, servers
from exporter.errors import ServerError, SettingError, cause

NAME = "TestAlert"
SUMMARY = "Test alert, nothing is wrong"
TIMEOUT = 10.0
"""Seconds to wait for each response."""
LASTS = timedelta(minutes=1)
"""How long the alert fires: after that Alertmanager considers it resolved and sends a second email."""

# Alertmanager is on the local network, where an Internet proxy cannot reach it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post_test_alert(url: str, hostname: str, page: str) -> str:
    """Post a test alert to the Alertmanager at ``url`` and return a text that says what should happen next.

    ``url`` may name several servers, separated by commas: each gets the alert, and one that accepts it is enough. The
    text names the address ``page``: a container's name for Alertmanager means nothing to the reader's browser.

    Raises SettingError if ``url`` is not a valid address, ServerError if no Alertmanager accepts the alert.
    """
    bases = servers(url)
    if not bases or not all(map(is_web_address, bases)):
        raise SettingError("URL", url, "an address such as http://127.0.0.1:9093")
    now = datetime.now(UTC)
    labels = {
        "alertname": NAME,
        "severity": "warning",
        "job": "host",
        "instance": hostname,
        "hostname": hostname,
        # Makes each test a new alert: Alertmanager would not send another email for one it already knows.
        "sent": now.strftime("%H:%M:%S"),
    }
    alert = {
        "labels": labels,
        "annotations": {
            "summary": SUMMARY,
            "description": f"Sent by host-exporter test-alert on {hostname}: email gets through.\n"
            "A second email in a minute or two will say that this alert is resolved.",
            "resolved_summary": "Test alert, nothing was wrong",
            "resolved_description": "This is the second email, the last one of this test.",
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + LASTS).isoformat(),
    }
    taken, refused = [], []
    for base in bases:
        try:
            _ask(f"{base}/api/v2/alerts", [alert])
            taken.append(base)
        except ServerError as reason:
            refused.append(reason)
    if not taken:
        raise refused[0]
    missing = [f"Not accepted everywhere: {reason}" for reason in refused]
    return "\n".join([_expectation(taken[0], hostname, servers(page)[0]), *missing])


def _expectation(base: str, hostname: str, page: str) -> str:
    status = _ask(f"{base}/api/v2/status")
    config = str(status.get("config", {}).get("original", "")) if isinstance(status, dict) else ""
    recipients = list(dict.fromkeys(re.findall(r"^\s*(?:- )?to: (.+)$", config, re.MULTILINE)))
    servers = list(dict.fromkeys(re.findall(r"^\s*(?:- )?smarthost: (.+)$", config, re.MULTILINE)))
    subject = f"[WARNING] {hostname}: {SUMMARY}"
    to = f" to {', '.join(recipients)}" if recipients else ""
    through = f" through {', '.join(servers)}" if servers else ""
    return "\n".join(
        [
            f"Alertmanager at {page} accepted the alert {NAME} for {hostname}.",
            f'Within half a minute, expect an email{to}{through}: "{subject}".',
            "A minute or two later, a second email follows, marked [RESOLVED].",
            f"Until then the alert is listed on {page}/#/alerts. If no email arrives, see Alertmanager's log.",
            *_heartbeat(config),
        ]
    )


def _heartbeat(config: str) -> list[str]:
    """Return a line that says whether the heartbeat is on; none for an Alertmanager with another configuration."""
    matcher = re.search(r"receiver: heartbeat\n\s+matchers:\n\s+- alertname=~\"(.*)\"", config)
    if matcher is None:
        return []
    if matcher[1]:
        return [
            "The heartbeat is set: while all is well, HEARTBEAT_URL gets a ping a minute. See there whether it arrives."
        ]
    return ["No heartbeat: if this machine dies, nothing on it can tell you. Set HEARTBEAT_URL (docs/heartbeat.md)."]


def _ask(address: str, body: object = None) -> Any:
    """Return the decoded JSON of the response, None if its body is empty. Raises ServerError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - checked scheme
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            text = answer.read()
        return json.loads(text) if text else None
    except urllib.error.HTTPError as answer:
        raise ServerError(
            f"{address}: {answer.code} {answer.reason}: not an Alertmanager, or it refused the request"
        ) from None
    except (OSError, ValueError) as reason:
        inner = getattr(reason, "reason", None) or reason
        raise ServerError(f"{address}: {cause(inner)}; is Alertmanager running there?") from None
    except Exception as reason:  # noqa: BLE001 - http.client raises its own errors for a response that is not HTTP
        raise ServerError(f"{address}: {type(reason).__name__}: not an Alertmanager") from None
