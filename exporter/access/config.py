"""The web configuration that all Prometheus exporters share (exporter-toolkit), checked key by key.

A key that this server does not know is refused, not passed over: who wrote it relies on what it says.
Values are shown in messages, except those that may be secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.access.document import Known, Section, load, read_bytes, words
from exporter.access.passwords import BadHashError, check_hash
from exporter.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS = ("TLS12", "TLS13")
CLIENT_AUTH = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that can be set, and what they may say; an empty list is any text."""

_IN_A_FILE = "it is taken from a file only: give {}_file"
_NOT_OURS: Mapping[str, str] = {
    "rate_limit": "this server has limits of its own (docs/access.md)",
    "tls_server_config.cert": _IN_A_FILE.format("cert"),
    "tls_server_config.key": _IN_A_FILE.format("key"),
    "tls_server_config.client_ca": _IN_A_FILE.format("client_ca"),
    "tls_server_config.client_allowed_sans": "let a client_ca_file that signs these clients only decide who comes in",
    "tls_server_config.cipher_suites": "OpenSSL's own list is used; min_version: TLS13 is the strictest",
    "tls_server_config.curve_preferences": "OpenSSL's own list is used",
    "tls_server_config.prefer_server_cipher_suites": "OpenSSL's own order is used",
}
"""Keys of the shared format that are not supported, and what to do instead."""

_KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("tls_server_config", "basic_auth_users", "http_server_config"),
    "tls_server_config": ("cert_file", "key_file", "client_auth_type", "client_ca_file", "min_version", "max_version"),
    "http_server_config": ("headers", "http2"),
    "http_server_config.headers": tuple(HEADERS),
}


@dataclass(frozen=True, slots=True)
class Tls:
    """``tls_server_config``; files with their folder."""

    cert_file: str
    key_file: str
    client_auth_type: str = CLIENT_AUTH[0]
    client_ca_file: str = ""
    min_version: str = VERSIONS[0]
    max_version: str = VERSIONS[-1]


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web configuration whose text is right; the files that it names have not been looked at."""

    source: str
    tls: Tls | None
    users: Mapping[bytes, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> tuple[str, ...]:
        """Return the files that it names."""
        return tuple(filter(None, (self.tls.cert_file, self.tls.key_file, self.tls.client_ca_file))) if self.tls else ()


def read_web_config(path: str) -> WebConfig:
    """Return the configuration in a file. Raises AccessError with file, key, value and what is accepted."""
    try:
        data = read_bytes(path)
    except (OSError, ValueError) as reason:
        raise AccessError(
            f"--web-config: {path!r} cannot be read: {words(reason)}; give a web configuration file (docs/access.md)"
        ) from None
    return parse_web_config(data, path)


def parse_web_config(data: bytes, source: str) -> WebConfig:
    """Return the configuration that bytes say; ``source`` is their file. Raises AccessError."""
    top = load(data, source, Known(_KEYS, _NOT_OURS))
    tls, users, http = (
        top.section("tls_server_config"),
        top.section("basic_auth_users"),
        top.section("http_server_config"),
    )
    if tls is None and users is None:
        # Also what a file looks like that is just being written, and must not let everybody in.
        top.refuse("", "closes nothing; give tls_server_config, basic_auth_users or both")
    return WebConfig(source, _tls(tls) if tls else None, _users(users) if users else {}, _headers(http) if http else {})


def _tls(section: Section) -> Tls:
    files = {key: section.file(key) for key in ("cert_file", "key_file", "client_ca_file")}
    for key in ("cert_file", "key_file"):
        if not files[key]:
            section.refuse(key, "is missing; give a file in PEM format")
    asks = ": this server cannot ask for a certificate without verifying it"
    kind = section.one_of("client_auth_type", CLIENT_AUTH, asks) or CLIENT_AUTH[0]
    if kind == CLIENT_AUTH[0] and files["client_ca_file"]:
        section.refuse("client_ca_file", f"asks nobody for a certificate; give client_auth_type {CLIENT_AUTH[-1]} too")
    if kind != CLIENT_AUTH[0] and not files["client_ca_file"]:
        section.refuse("client_ca_file", f"is missing; {kind} needs the certificates that clients are verified by")
    low = section.one_of("min_version", VERSIONS, "; OpenSSL no longer speaks older ones") or VERSIONS[0]
    high = section.one_of("max_version", VERSIONS) or VERSIONS[-1]
    if low > high:
        section.refuse("max_version", f"{high!r} is not accepted; give min_version ({low}) or a later one")
    return Tls(**files, client_auth_type=kind, min_version=low, max_version=high)


def _users(section: Section) -> dict[bytes, bytes]:
    users = {}
    for name in section.names():
        value = section.any(name)
        if ":" in name or not name.isprintable():
            section.refuse(repr(name), "is no name that a client could send; give one without a colon")
        try:
            users[name.encode()] = check_hash(value)
        except BadHashError as reason:
            section.refuse(name, str(reason))
    if not users:  # "nobody is asked for a password" must not be what is left when a line is taken away
        section.refuse("", "names no user; give one, or take the key away")
    return users


def _headers(section: Section) -> dict[str, str]:
    section.one_of("http2", ("true", "false"))  # never spoken here, whatever it says
    headers = section.section("headers")
    if headers is None:
        return {}
    found = {}
    for name in headers.names():
        value = headers.one_of(name, HEADERS[name]) if HEADERS[name] else headers.text(name)
        if not value or not value.isascii() or not value.isprintable():
            headers.refuse(name, f"{value!r} is not accepted; give a text in ASCII on one line")
        found[name] = value
    return found
