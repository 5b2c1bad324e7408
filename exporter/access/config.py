"""The web configuration format shared by Prometheus exporters (exporter-toolkit), validated key by key.

An unknown key is an error rather than ignored, because its author relies on it. Messages show values, except those
that may be secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.access.document import Known, Section, load, read_bytes
from exporter.access.hashes import BadHashError, check_hash
from exporter.access.rate import Rate, read_rate
from exporter.access.tls_section import KEYS, Tls, read_tls
from exporter.errors import AccessError, cause

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that can be set, and their accepted values; an empty list accepts any text."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("tls_server_config", "basic_auth_users", "http_server_config", "rate_limit"),
    "tls_server_config": KEYS,
    "http_server_config": ("headers", "http2"),
    "http_server_config.headers": tuple(HEADERS),
    "rate_limit": ("interval", "burst"),
}


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web configuration whose text is valid; the files it names have not been read yet."""

    source: str
    tls: Tls | None
    users: Mapping[bytes, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    rate: Rate | None = None

    def files(self) -> tuple[str, ...]:
        """Return the files it names."""
        return self.tls.files() if self.tls else ()

    def protects(self) -> bool:
        """Return whether it restricts access at all."""
        return bool(self.tls or self.users)


def read_web_config(path: str) -> WebConfig:
    """Read and validate a configuration file. Raises AccessError with file, key, value and what is accepted."""
    try:
        data = read_bytes(path)
    except (OSError, ValueError) as reason:
        raise AccessError(
            f"--web-config: {path!r} cannot be read: {cause(reason)}; give a web configuration file (docs/access.md)"
        ) from None
    return parse_web_config(data, path)


def parse_web_config(data: bytes, source: str) -> WebConfig:
    """Parse and validate a configuration; ``source`` is the file that ``data`` came from. Raises AccessError."""
    top = load(data, source, Known(_KEYS))
    tls, users, http, rate = (
        top.section(name) for name in ("tls_server_config", "basic_auth_users", "http_server_config", "rate_limit")
    )
    http2 = http is None or http.flag("http2", default=True)  # this server never speaks it, whatever this says
    return WebConfig(
        source,
        read_tls(tls, http2=http2) if tls else None,
        _users(users) if users else {},
        _headers(http) if http else {},
        read_rate(rate) if rate else None,
    )


def _users(section: Section) -> dict[bytes, bytes]:
    users = {}
    for name in section.names():
        value = section.any(name)
        if ":" in name or not name.isprintable():
            section.refuse(repr(name), "is not a valid user name; give printable characters without a colon")
        try:
            users[name.encode()] = check_hash(value)
        except BadHashError as reason:
            section.refuse(name, str(reason))
    if not users:  # deleting the last user must not turn passwords off
        section.refuse("", "names no users, so that no password would be needed; give at least one, or remove the key")
    return users


def _headers(section: Section) -> dict[str, str]:
    headers = section.section("headers")
    if headers is None:
        return {}
    found = {}
    for name in headers.names():
        accepted = HEADERS[name]
        value = headers.one_of(name, accepted) if accepted else headers.text(name)
        if not value and not accepted:  # "unset if blank", says the format: the exporter's own stays
            continue
        if not value or not value.isascii() or not value.isprintable():
            headers.refuse(name, f"{value!r} is not accepted; give {' or '.join(accepted) or 'one line of ASCII text'}")
        found[name] = value
    return found
