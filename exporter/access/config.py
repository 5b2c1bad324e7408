"""The web configuration format shared by Prometheus exporters (exporter-toolkit), validated key by key.

An unknown key is an error rather than ignored, because its author relies on it. Messages show values, except those
that may be secrets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.access.document import Known, Section, load, read_bytes
from exporter.access.passwords import BadHashError, check_hash
from exporter.errors import AccessError, cause

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
"""The headers that can be set, and their accepted values; an empty list accepts any text."""

_IN_A_FILE = "inline values are not accepted: give {}_file"
_NOT_OURS: Mapping[str, str] = {
    "rate_limit": "this server has built-in limits (docs/access.md)",
    "tls_server_config.cert": _IN_A_FILE.format("cert"),
    "tls_server_config.key": _IN_A_FILE.format("key"),
    "tls_server_config.client_ca": _IN_A_FILE.format("client_ca"),
    "tls_server_config.client_allowed_sans": "use a client_ca_file whose CA signs only the clients to admit",
    "tls_server_config.cipher_suites": "OpenSSL's defaults apply; min_version: TLS13 is the strictest",
    "tls_server_config.curve_preferences": "OpenSSL's defaults apply",
    "tls_server_config.prefer_server_cipher_suites": "the server's order always takes precedence",
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
    """``tls_server_config``, with file paths resolved against the configuration's folder."""

    cert_file: str
    key_file: str
    client_auth_type: str = CLIENT_AUTH[0]
    client_ca_file: str = ""
    min_version: str = VERSIONS[0]
    max_version: str = VERSIONS[-1]


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A web configuration whose text is valid; the files it names have not been read yet."""

    source: str
    tls: Tls | None
    users: Mapping[bytes, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> tuple[str, ...]:
        """Return the files it names."""
        return tuple(filter(None, (self.tls.cert_file, self.tls.key_file, self.tls.client_ca_file))) if self.tls else ()


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
    top = load(data, source, Known(_KEYS, _NOT_OURS))
    tls, users, http = (
        top.section("tls_server_config"),
        top.section("basic_auth_users"),
        top.section("http_server_config"),
    )
    if tls is None and users is None:
        # A file that is still being written may look like this, and must not open the server to everyone.
        top.refuse("", "has no access control; give tls_server_config, basic_auth_users or both")
    return WebConfig(source, _tls(tls) if tls else None, _users(users) if users else {}, _headers(http) if http else {})


def _tls(section: Section) -> Tls:
    files = {key: section.file(key) for key in ("cert_file", "key_file", "client_ca_file")}
    for key in ("cert_file", "key_file"):
        if not files[key]:
            section.refuse(key, "is missing; give a file in PEM format")
    more = ": this server cannot request a certificate without verifying it"
    kind = section.one_of("client_auth_type", CLIENT_AUTH, more) or CLIENT_AUTH[0]
    if kind == CLIENT_AUTH[0] and files["client_ca_file"]:
        section.refuse("client_ca_file", f"has no effect on its own; give client_auth_type {CLIENT_AUTH[-1]} too")
    if kind != CLIENT_AUTH[0] and not files["client_ca_file"]:
        section.refuse("client_ca_file", f"is missing; {kind} needs the CA certificates to verify clients against")
    low = section.one_of("min_version", VERSIONS, "; OpenSSL no longer supports older ones") or VERSIONS[0]
    high = section.one_of("max_version", VERSIONS) or VERSIONS[-1]
    if low > high:
        section.refuse("max_version", f"{high!r} is not accepted; give min_version ({low}) or a later one")
    return Tls(**files, client_auth_type=kind, min_version=low, max_version=high)


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
        section.refuse("", "names no users; give at least one, or remove the key")
    return users


def _headers(section: Section) -> dict[str, str]:
    section.one_of("http2", ("true", "false"))  # accepted, but this server never speaks HTTP/2
    headers = section.section("headers")
    if headers is None:
        return {}
    found = {}
    for name in headers.names():
        value = headers.one_of(name, HEADERS[name]) if HEADERS[name] else headers.text(name)
        if not value or not value.isascii() or not value.isprintable():
            headers.refuse(name, f"{value!r} is not accepted; give one line of ASCII text")
        found[name] = value
    return found
