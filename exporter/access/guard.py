"""WSGI middleware in front of the application: rejects every request without a valid password."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
from math import ceil
from typing import TYPE_CHECKING, Any

from exporter.access.passwords import Passwords, Verdict
from exporter.web.headers import SECURITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.access import Access

    Headers = list[tuple[str, str]]
    App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

log = logging.getLogger("exporter")

_ASK = ("WWW-Authenticate", 'Basic realm="Host Exporter", charset="UTF-8"')


LOGGED = 16
"""Addresses of which the log says that they were refused; a flood of others must not fill it."""


class _Refused:
    """Logs once for each address that it is refused, until a right password comes from there."""

    def __init__(self) -> None:
        self._addresses: set[str] = set()

    def log(self, address: str, reason: str) -> None:
        if address not in self._addresses and len(self._addresses) < LOGGED:
            self._addresses.add(address)
            log.warning("%s is refused: %s", address, reason)

    def forget(self, address: str) -> None:
        self._addresses.discard(address)


def guarded(app: App, access: Access) -> App:
    """Wrap the application with the rules in effect: check the password, then add the configured headers."""
    passwords = Passwords()
    refused = _Refused()

    def guard(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        rules = access.rules()

        def start(status: str, headers: Headers, *rest: Any) -> Any:
            own = {name.lower() for name, _ in rules.headers}
            kept = [(name, value) for name, value in headers if name.lower() not in own]
            return start_response(status, [*kept, *rules.headers], *rest)

        if rules.bucket and not rules.bucket.admits():
            after = ("Retry-After", str(ceil(rules.bucket.rate.interval)))
            return _answer(start, environ, "429 Too Many Requests", "rate_limit of --web-config", after)
        if not rules.users:
            return app(environ, start)
        address = _network(environ.get("REMOTE_ADDR", ""))
        login = _login(environ.get("HTTP_AUTHORIZATION", ""))
        if login is None:
            refused.log(address, "no user name and password")
            return _answer(start, environ, "401 Unauthorized", "user name and password required", _ASK)
        verdict = passwords.check(*login, rules.users, address)
        if verdict is Verdict.RIGHT:
            refused.forget(address)
            environ["REMOTE_USER"] = login[0].decode(errors="replace")
            return app(environ, start)
        if verdict is Verdict.WRONG:
            refused.log(address, "wrong user name or password")
            return _answer(start, environ, "401 Unauthorized", "wrong user name or password", _ASK)
        return _answer(start, environ, "429 Too Many Requests", "too many login attempts", ("Retry-After", "5"))

    return guard


def _answer(
    start: Callable[..., Any], environ: dict[str, Any], status: str, line: str, header: tuple[str, str]
) -> Iterable[bytes]:
    body = f"{status}; {line}\n".encode()
    fixed = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start(status, [*fixed, ("Cache-Control", "no-store"), header, *SECURITY.items()])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _login(header: str) -> tuple[bytes, bytes] | None:
    """Return user and password from an Authorization header, None if it has none."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def _network(address: str) -> str:
    """Return the unit for rate limiting: an IPv4 address, or an IPv6 /64, in which one host has addresses to spare."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return address
