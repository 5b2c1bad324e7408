"""Builds the TLS context of a web configuration and explains what OpenSSL rejects."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NoReturn

from exporter.access.document import read_bytes
from exporter.errors import AccessError, cause

if TYPE_CHECKING:
    from exporter.access.config import Tls

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


def make_context(source: str, tls: Tls) -> ssl.SSLContext:
    """Return the server's TLS context. Raises AccessError with file, key and reason."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    _need(source, "cert_file", tls.cert_file, "certificate", "a certificate in PEM format")
    _need(source, "key_file", tls.key_file, "private key", "the certificate's private key in PEM format")
    _load_certificate(context, source, tls)
    if tls.client_ca_file:
        accepted = "the CA certificates to verify clients against, in PEM format"
        _need(source, "client_ca_file", tls.client_ca_file, "certificate", accepted)
        try:
            context.load_verify_locations(tls.client_ca_file)
        except (OSError, ValueError) as reason:
            _refuse(source, "client_ca_file", tls.client_ca_file, f"{_words(reason)}; give {accepted}")
        context.verify_mode = _VERIFY[tls.client_auth_type]
    return context


def _load_certificate(context: ssl.SSLContext, source: str, tls: Tls) -> None:
    def passphrase() -> str:
        # Without this callback OpenSSL prompts on the terminal, even in a service.
        _refuse(source, "key_file", tls.key_file, "is protected by a passphrase; give a key without one")

    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, passphrase)
    except ssl.SSLError as reason:
        if reason.reason == "KEY_VALUES_MISMATCH":
            text = f"does not match the certificate in {tls.cert_file}; give the key it was issued for"
            _refuse(source, "key_file", tls.key_file, text)
        accepted = f"a certificate and its key ({tls.key_file}) in PEM format that OpenSSL accepts"
        _refuse(source, "cert_file", tls.cert_file, f"{_words(reason)}; give {accepted}")
    except (OSError, ValueError) as reason:
        _refuse(source, "cert_file", tls.cert_file, _words(reason))


def _need(source: str, key: str, name: str, kind: str, accepted: str) -> None:
    """Raise AccessError if a file cannot be read or lacks the expected PEM block."""
    try:
        data = read_bytes(name)
    except (OSError, ValueError) as reason:
        _refuse(source, key, name, f"cannot be read: {cause(reason)}; give {accepted}")
    if f"{kind.upper()}-----".encode() not in data:
        _refuse(source, key, name, f"contains no PEM {kind}; give {accepted}")


def _refuse(source: str, key: str, name: str, reason: str) -> NoReturn:
    raise AccessError(f"--web-config {source}: tls_server_config.{key}: {name!r} {reason}")


def _words(reason: Exception) -> str:
    """Return OpenSSL's reason in lower case: "ca md too weak"."""
    found = getattr(reason, "reason", None) or getattr(reason, "strerror", None) or str(reason)
    return f"is rejected by OpenSSL ({str(found).replace('_', ' ').lower()})"
