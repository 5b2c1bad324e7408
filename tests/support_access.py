"""A real exporter with a web configuration: certificates of a CA made here, users with cheap hashes."""

from __future__ import annotations

import base64
import contextlib
import functools
import ssl
from typing import TYPE_CHECKING
from uuid import uuid4

import bcrypt
import trustme

from tests.support import Answer, Exporter, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

USER, PASSWORD = "prometheus", "correct horse"


@functools.cache
def hashed(password: str = PASSWORD, cost: int = 4) -> str:
    """Return a bcrypt hash; cost 4 takes a millisecond."""
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()


def login(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    """Return the header for a login."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Authority:
    """A certificate authority, and the files that it signs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(str(folder / "ca.pem"))

    def issue(
        self, name: str = "server", *, not_before: datetime | None = None, not_after: datetime | None = None
    ) -> None:
        """Write NAME.crt and NAME.key, replacing existing ones."""
        made = self._ca.issue_cert(
            "127.0.0.1", "localhost", common_name=name, not_before=not_before, not_after=not_after
        )
        (self.folder / f"{name}.crt").write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))


def trusting(folder: Path, client: str = "") -> ssl.SSLContext:
    """Return the TLS context of a client that trusts the CA, with or without a client certificate."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if client:
        context.load_cert_chain(folder / f"{client}.crt", folder / f"{client}.key")
    return context


def hello(group: str = "") -> bytes:
    """Return the first message of a TLS handshake, as OpenSSL sends it, for one group only if it is given."""
    outgoing = ssl.MemoryBIO()
    context = ssl._create_unverified_context()
    if group:
        context.set_ecdh_curve(group)
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


def users(**passwords: str) -> str:
    """Return the users' part of the configuration, by default with one user."""
    lines = [f"  {user}: {hashed(password)}\n" for user, password in (passwords or {USER: PASSWORD}).items()]
    return "basic_auth_users:\n" + "".join(lines)


class GuardedExporter(Exporter):
    """The real command with --web-config; requests use TLS, if configured, and the right password by default."""

    def __init__(self, folder: Path, config: str, *args: str, client: str = "") -> None:
        self.file = folder / f"web-config-{uuid4().hex}.yml"
        self.file.write_text(config, encoding="utf-8")
        super().__init__("--web-config", str(self.file), *args)
        self.context: ssl.SSLContext | None = None
        if "tls_server_config" in config:
            self.url = self.url.replace("http:", "https:")
            self.context = trusting(folder, client)

    def get(self, path: str = "/metrics", headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        return fetch(self.url + path, login() if headers is None else headers, method, context=self.context)
