"""``tls_server_config`` of a web configuration, validated key by key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.access.document import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.access.document import Section

VERSIONS = ("TLS12", "TLS13")
CLIENT_AUTH = ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
UNVERIFIED = ("RequestClientCert", "RequireClientCert", "RequireAnyClientCert")
"""Types of client authentication that Python's ssl module does not offer: it rejects what it cannot verify."""

CURVES = ("X25519", "CurveP256", "CurveP384", "CurveP521")
"""The elliptic curves that the format names, in the order in which they are preferred by default."""

TLS13_SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
SUITES: Mapping[str, str] = {
    f"TLS_ECDHE_{sign}_WITH_{ours}": f"ECDHE-{sign}-{theirs}"
    for ours, theirs in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
    for sign in ("ECDSA", "RSA")
}
"""The TLS 1.2 cipher suites that the format knows, which are those that Go deems secure, and OpenSSL's names."""

_FOR_HTTP2 = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")

KEYS = (
    *("cert", "key", "client_ca", "cert_file", "key_file", "client_auth_type", "client_ca_file"),
    *("client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites"),
    "curve_preferences",
)


@dataclass(frozen=True, slots=True)
class Pem:
    """A text in PEM format: a file, or the value of ``key`` in the configuration itself."""

    key: str
    path: str = ""
    text: str = field(default="", repr=False)

    def read(self) -> bytes:
        """Return the text. Raises OSError, or ValueError if the file is too large or not a regular one."""
        return read_bytes(self.path) if self.path else self.text.encode()

    def __str__(self) -> str:
        return repr(self.path) if self.path else "the value (not shown)"


@dataclass(frozen=True, slots=True)
class Tls:
    """``tls_server_config``, with file paths resolved against the configuration's folder."""

    cert: Pem
    key: Pem
    client_auth_type: str = CLIENT_AUTH[0]
    client_ca: Pem | None = None
    allowed_sans: tuple[str, ...] = ()
    min_version: str = VERSIONS[0]
    max_version: str = VERSIONS[-1]
    suites: tuple[str, ...] = ()
    server_order: bool = True
    curves: tuple[str, ...] = ()

    def files(self) -> tuple[str, ...]:
        """Return the files it names."""
        return tuple(each.path for each in (self.cert, self.key, self.client_ca) if each and each.path)


def read_tls(section: Section, *, http2: bool) -> Tls:
    """Validate the section; ``http2`` is whether the file leaves HTTP/2 on. Raises AccessError."""
    if not section.names():  # an emptied section must not turn TLS off
        section.refuse("", "is empty, so that there would be no TLS; give cert_file and key_file, or remove the key")
    cert, key, authority = (_pem(section, name) for name in ("cert", "key", "client_ca"))
    if cert is None:
        section.refuse("cert_file", "is missing or empty; give a file in PEM format, or its text under cert")
    if key is None:
        section.refuse("key_file", "is missing or empty; give a file in PEM format, or its text under key")
    low = section.one_of("min_version", VERSIONS, "; OpenSSL no longer supports older ones") or VERSIONS[0]
    high = section.one_of("max_version", VERSIONS) or VERSIONS[-1]
    if low > high:
        section.refuse("max_version", f"{high!r} is not accepted; give min_version ({low}) or a later one")
    kind = _client_auth(section, authority)
    return Tls(
        cert,
        key,
        client_auth_type=kind,
        client_ca=authority,
        allowed_sans=_sans(section, kind),
        min_version=low,
        max_version=high,
        suites=_suites(section, low, high, http2=http2),
        server_order=section.flag("prefer_server_cipher_suites", default=True),
        curves=tuple(dict.fromkeys(section.words("curve_preferences", CURVES))),
    )


def _pem(section: Section, name: str) -> Pem | None:
    """Return what a key and its ``_file`` give. As in other exporters, the file comes first if both are there."""
    path, text = section.file(f"{name}_file"), section.text(name, "a text in PEM format")
    if path:
        return Pem(f"{name}_file", path)
    return Pem(name, text=text) if text else None


def _client_auth(section: Section, authority: Pem | None) -> str:
    kind = section.text("client_auth_type")
    if kind in UNVERIFIED:
        words = "Python's ssl module rejects a certificate that it cannot verify, and anybody can make one"
        section.refuse("client_auth_type", f"{kind!r} is not supported: {words}; give {CLIENT_AUTH[-1]}")
    kind = section.one_of("client_auth_type", CLIENT_AUTH) if kind else CLIENT_AUTH[0]
    if kind == CLIENT_AUTH[0] and authority:
        section.refuse(authority.key, f"has no effect on its own; give client_auth_type {CLIENT_AUTH[-1]} too")
    if kind == CLIENT_AUTH[-1] and not authority:
        words = f"{kind} needs the CA certificates to verify clients against; any public CA would admit anybody"
        section.refuse("client_ca_file", f"is missing; {words}")
    return kind


def _sans(section: Section, kind: str) -> tuple[str, ...]:
    found = section.texts("client_allowed_sans", "the names in client certificates to admit")
    if kind != CLIENT_AUTH[-1] and found:
        words = (
            "has no effect" if kind == CLIENT_AUTH[0] else f"cannot be checked with {kind}: not all clients have any"
        )
        section.refuse("client_allowed_sans", f"{words}; give client_auth_type {CLIENT_AUTH[-1]}")
    if kind != CLIENT_AUTH[0] and "client_allowed_sans" in section.names() and not (found and all(found)):
        section.refuse("client_allowed_sans", "names nobody to admit; give at least one name, or remove the key")
    return found


def _suites(section: Section, low: str, high: str, *, http2: bool) -> tuple[str, ...]:
    """Return the suites for TLS 1.2, by OpenSSL's names; those of TLS 1.3 are fixed, as in Go."""
    found = section.words("cipher_suites", (*SUITES, *TLS13_SUITES))
    for_tls12 = tuple(dict.fromkeys(SUITES[each] for each in found if each in SUITES))
    if found and low == VERSIONS[0]:
        if not for_tls12:
            if high == VERSIONS[0]:
                section.refuse("cipher_suites", "has none for TLS 1.2, the only version that max_version leaves")
            section.refuse("cipher_suites", "has none for TLS 1.2; add one, or give min_version TLS13")
        if http2 and not set(found) & set(_FOR_HTTP2):
            # We don't speak HTTP/2, but a file that no other exporter takes is a mistake.
            words = f"lacks {' or '.join(_FOR_HTTP2)}, which HTTP/2 requires"
            section.refuse("cipher_suites", f"{words}; add one of them, or give http_server_config.http2: false")
    return for_tls12
