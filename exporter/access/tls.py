"""Builds the TLS contexts of a web configuration and explains what OpenSSL rejects."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, NoReturn

from exporter.access.inline import as_file
from exporter.access.tls_section import CLIENT_AUTH, CURVES, VERSIONS
from exporter.errors import AccessError, cause

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.access.tls_section import Pem, Tls

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_GROUPS: Mapping[str, tuple[int, str]] = {
    "X25519": (29, "X25519"),
    "CurveP256": (23, "prime256v1"),
    "CurveP384": (24, "secp384r1"),
    "CurveP521": (25, "secp521r1"),
}
"""The numbers of groups (RFC 8446, 4.2.7) and OpenSSL's names."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """The contexts for new connections, one for each group, most preferred first.

    OpenSSL's own list of groups ends with the finite fields of RFC 7919: a hello that asks for ffdhe8192 costs 100 ms
    of CPU time and the client nothing. ``set_ecdh_curve`` leaves a context with one group, whatever its name says.
    """

    by_group: tuple[tuple[int, ssl.SSLContext], ...]
    tls12: ssl.SSLContext | None = None
    """For clients without TLS 1.3, if it is another one: in TLS 1.2, finite fields have suites of their own."""
    allowed_sans: frozenset[str] = frozenset()

    @property
    def wants_certificate(self) -> bool:
        """Whether a client needs a certificate."""
        return self.by_group[0][1].verify_mode == ssl.CERT_REQUIRED

    def choose(self, offered: tuple[int, ...], is_tls13: bool) -> ssl.SSLContext:
        """Return the context for a client that offers these groups, by number; empty if that is not known."""
        if self.tls12 and not is_tls13:
            return self.tls12
        # Every TLS 1.3 client must know P-256 (RFC 8446, 9.1).
        wanted = offered or (_GROUPS["CurveP256"][0],)
        return next((context for number, context in self.by_group if number in wanted), self.by_group[0][1])

    def admits(self, client: ssl.SSLSocket) -> bool:
        """Return whether the names in a client's certificate, which is verified already, admit it."""
        return not self.allowed_sans or not self.allowed_sans.isdisjoint(_names(client.getpeercert() or {}))


def make_contexts(source: str, tls: Tls) -> Contexts:
    """Return the server's TLS contexts. Raises AccessError with file, key and reason."""
    _need(source, tls.cert, "certificate", "a certificate in PEM format")
    _need(source, tls.key, "private key", "the certificate's private key in PEM format")
    found = []
    curves, tls12 = list(tls.curves or CURVES), None
    if tls.client_auth_type != CLIENT_AUTH[0] and tls.min_version == VERSIONS[0]:
        # In TLS 1.2, OpenSSL rejects a client's ECDSA key unless its curve is among the context's groups.
        if tls.curves:
            curves.sort(key=lambda curve: curve != "CurveP256")  # that of most keys
        else:
            tls12 = make_context(source, replace(tls, max_version=VERSIONS[0]))
    for curve in curves:
        number, name = _GROUPS[curve]
        context = make_context(source, tls)
        try:
            context.set_ecdh_curve(name)
        except (ValueError, ssl.SSLError):  # an OpenSSL that keeps to FIPS has no X25519
            if tls.curves:
                words = f"{curve!r} is not supported by {ssl.OPENSSL_VERSION} as it is set up here"
                raise AccessError(f"--web-config {source}: tls_server_config.curve_preferences: {words}") from None
            continue
        found.append((number, context))
    return Contexts(tuple(found), tls12, frozenset(map(_normal, tls.allowed_sans)))


def make_context(source: str, tls: Tls) -> ssl.SSLContext:
    """Return one context, for any group. Raises AccessError with file, key and reason."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if not tls.server_order:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    _set_suites(context, source, tls)
    _load_certificate(context, source, tls)
    context.verify_mode = _VERIFY[tls.client_auth_type]
    if tls.client_ca:
        accepted = "the CA certificates to verify clients against, in PEM format"
        data = _need(source, tls.client_ca, "certificate", accepted)
        try:
            if tls.client_ca.path:
                context.load_verify_locations(tls.client_ca.path)
            else:
                context.load_verify_locations(cadata=data.decode("ascii", "ignore"))
        except (OSError, ValueError) as reason:
            _refuse(source, tls.client_ca, f"{_words(reason)}; give {accepted}")
        # As in other exporters, each certificate given is an anchor of trust, even if another CA has signed it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    elif context.verify_mode != ssl.CERT_NONE:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def _set_suites(context: ssl.SSLContext, source: str, tls: Tls) -> None:
    """Set the suites for TLS 1.2: those given, or else those of this Python and this machine that use ECDHE."""
    wanted = list(tls.suites) or [each["name"] for each in context.get_ciphers() if each["kea"] == "kx-ecdhe"]
    if not wanted:
        return
    with suppress(ssl.SSLError):  # it knows none of them; the next lines say so
        context.set_ciphers(":".join(wanted))
    have = {each["name"] for each in context.get_ciphers()}
    if missing := ", ".join(each for each in wanted if each not in have):
        words = (
            f"{missing} (OpenSSL's names) cannot be used by {ssl.OPENSSL_VERSION} as it is set up here; leave it out"
        )
        raise AccessError(f"--web-config {source}: tls_server_config.cipher_suites: {words}")


def _load_certificate(context: ssl.SSLContext, source: str, tls: Tls) -> None:
    def passphrase() -> str:
        # Without this callback OpenSSL prompts on the terminal, even in a service.
        _refuse(source, tls.key, "is protected by a passphrase; give a key without one")

    try:
        with as_file(tls.cert) as certificate, as_file(tls.key) as key:
            context.load_cert_chain(certificate, key, passphrase)
    except ssl.SSLError as reason:
        if reason.reason == "KEY_VALUES_MISMATCH":
            where = f"in {tls.cert.path}" if tls.cert.path else "under cert"
            _refuse(source, tls.key, f"does not match the certificate {where}; give the key it was issued for")
        where = tls.key.path or "under key"
        accepted = f"a certificate and its key ({where}) in PEM format that OpenSSL accepts"
        _refuse(source, tls.cert, f"{_words(reason)}; give {accepted}")
    except (OSError, ValueError) as reason:
        _refuse(source, tls.cert, _words(reason))


def _need(source: str, pem: Pem, kind: str, accepted: str) -> bytes:
    """Return a text's bytes. Raises AccessError if it cannot be read or lacks the expected PEM block."""
    try:
        data = pem.read()
    except (OSError, ValueError) as reason:
        _refuse(source, pem, f"cannot be read: {cause(reason)}; give {accepted}")
    if f"{kind.upper()}-----".encode() not in data:
        _refuse(source, pem, f"contains no PEM {kind}; give {accepted}")
    return data


def _names(certificate: Mapping[str, object]) -> set[str]:
    """Return the names that a certificate was issued for: DNS, IP, e-mail and URI."""
    found = certificate.get("subjectAltName", ())
    return {_normal(str(pair[1])) for pair in found if isinstance(pair, tuple)} if isinstance(found, tuple) else set()


def _normal(name: str) -> str:
    """Return an IP address in its shortest form, and any other name as it is: it must match exactly."""
    try:
        return str(ip_address(name.strip()))
    except ValueError:
        return name


def _refuse(source: str, pem: Pem, reason: str) -> NoReturn:
    raise AccessError(f"--web-config {source}: tls_server_config.{pem.key}: {pem} {reason}")


def _words(reason: Exception) -> str:
    """Return OpenSSL's reason in lower case: "ca md too weak"."""
    found = getattr(reason, "reason", None) or getattr(reason, "strerror", None) or str(reason)
    return f"is rejected by OpenSSL ({str(found).replace('_', ' ').lower()})"
