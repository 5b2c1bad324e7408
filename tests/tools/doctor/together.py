"""Values that are accepted one by one and do not go together."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from exporter.settings import Settings, parse_limit
from tests.tools.doctor import kinds
from tests.tools.doctor.report import Finding, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEFAULTS = Settings()
_HERE = {"mailpit", "localhost", "127.0.0.1", "[::1]", "host.docker.internal"}
"""Mail servers that are reached without leaving this machine."""


def together(given: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what contradicts itself or is incomplete."""
    yield from _limits(given)
    yield from _mail(given)


def _limits(given: Mapping[str, str]) -> Iterator[Finding]:
    for resource in ("CPU", "MEMORY", "FILESYSTEM"):
        names = [f"{resource}_{level}" for level in ("WARNING", "CRITICAL")]
        texts = [given.get(name) or f"{getattr(_DEFAULTS, name.lower()):g}" for name in names]
        if any(map(kinds.percent, texts)):
            continue
        for low, high in pairwise([parse_limit(name, text) for name, text in zip(names, texts, strict=True)]):
            if low is not None and high is not None and low >= high:
                yield Finding(f"{names[0]}={low:g}: give a percentage below {names[1]} ({high:g}), or 'none'")


def _mail(given: Mapping[str, str]) -> Iterator[Finding]:
    host = given.get("SMTP_HOST", "")
    if not host:
        if given.get("ALERT_EMAIL_TO"):
            text = "without SMTP_HOST all email goes to the stack's own inbox"
            yield Finding(f"ALERT_EMAIL_TO={shown(given['ALERT_EMAIL_TO'])}: {text}", wrong=False)
        if used := [name for name in ("SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD") if given.get(name)]:
            yield Finding(f"SMTP_HOST is not set, {' and '.join(used)} would be used for the stack's own inbox")
    elif host != "mailpit":
        needed = {
            "ALERT_EMAIL_TO": "who gets the email",
            "SMTP_FROM": "whom it is from",
            "SMTP_PORT": "587, or what your provider says",
        }
        for name, what in needed.items():
            if not given.get(name):
                yield Finding(f"SMTP_HOST={shown(host)} needs {name} too: {what}")
        yield from _login(host, given)


def _login(host: str, given: Mapping[str, str]) -> Iterator[Finding]:
    port, user, password = (given.get(f"SMTP_{name}", "") for name in ("PORT", "USER", "PASSWORD"))
    encrypted = given.get("SMTP_REQUIRE_TLS", "").lower() in {"true", "yes", "on"} or port == "465"
    if bool(user) != bool(password):
        pair = ("SMTP_USER", "SMTP_PASSWORD") if user else ("SMTP_PASSWORD", "SMTP_USER")
        yield Finding(f"{pair[0]} is set, {pair[1]} is not: no login without both", wrong=False)
    if password and not encrypted and host.lower() not in _HERE:
        yield Finding("SMTP_PASSWORD would be sent unencrypted: set SMTP_REQUIRE_TLS=true")
    elif not encrypted and port == "587":
        yield Finding("SMTP_PORT=587: email is sent unencrypted unless SMTP_REQUIRE_TLS=true", wrong=False)
    if password != password.strip():
        yield Finding("SMTP_PASSWORD: Alertmanager drops the spaces at its ends", wrong=False)
