"""Posts a test alert to Alertmanager, so that the owner sees whether mail arrives."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.address import is_web_address
from exporter.errors import ServerError, SettingError

NAME = "TestAlert"
SUMMARY = "Test alert, nothing is wrong"
TIMEOUT = 10.0
"""Seconds to wait for each answer."""
LASTS = timedelta(minutes=1)
"""After this Alertmanager takes the alert for resolved and says so by mail."""

# Alertmanager is near: a proxy for the Internet would not find it.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post_test_alert(url: str, hostname: str) -> str:
    """Post a test alert to the Alertmanager at ``url`` and return the text that says what to expect where.

    Raises SettingError for what is no address, ServerError where no Alertmanager takes the alert.
    """
    if not is_web_address(url):
        raise SettingError("URL", url, "an address such as http://127.0.0.1:9093")
    base = url.rstrip("/")
    now = datetime.now(UTC)
    labels = {
        "alertname": NAME,
        "severity": "warning",
        "job": "host",
        "instance": hostname,
        "hostname": hostname,
        # Makes it another alert than the one of a minute ago, which Alertmanager would not send again.
        "sent": now.strftime("%H:%M:%S"),
    }
    alert = {
        "labels": labels,
        "annotations": {
            "summary": SUMMARY,
            "description": f"Sent by host-exporter test-alert on {hostname}: mail arrives.\n"
            "Another mail says in a minute or two that this is resolved.",
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + LASTS).isoformat(),
    }
    _ask(f"{base}/api/v2/alerts", [alert])
    return _expectation(base, hostname)


def _expectation(base: str, hostname: str) -> str:
    status = _ask(f"{base}/api/v2/status")
    config = str(status.get("config", {}).get("original", "")) if isinstance(status, dict) else ""
    recipients = list(dict.fromkeys(re.findall(r"^\s*(?:- )?to: (.+)$", config, re.MULTILINE)))
    servers = list(dict.fromkeys(re.findall(r"^\s*(?:- )?smarthost: (.+)$", config, re.MULTILINE)))
    subject = f"[WARNING] {hostname}: {SUMMARY}"
    to = f" to {', '.join(recipients)}" if recipients else ""
    through = f" through {', '.join(servers)}" if servers else ""
    return "\n".join(
        [
            f"Alertmanager at {base} took the alert {NAME} for {hostname}.",
            f'Expect within half a minute: a mail{to}{through}, "{subject}".',
            "A minute or two later: the same as [RESOLVED].",
            f"Meanwhile it stands on {base}/#/alerts. No mail? Alertmanager's log says why.",
        ]
    )


def _ask(address: str, body: object = None) -> Any:
    """Return the JSON of an answer, None without. Raises ServerError."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - checked scheme
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            text = answer.read()
        return json.loads(text) if text else None
    except urllib.error.HTTPError as answer:
        raise ServerError(f"{address}: {answer.code} {answer.reason}: this is no Alertmanager, or it refuses") from None
    except (OSError, ValueError) as reason:
        inner = getattr(reason, "reason", None) or reason
        raise ServerError(
            f"{address}: {getattr(inner, 'strerror', None) or inner}; does Alertmanager run there?"
        ) from None
    except Exception as reason:  # noqa: BLE001 - http.client has errors of its own for what is no HTTP
        raise ServerError(f"{address}: {type(reason).__name__}: this is no Alertmanager") from None
