"""A server with a web configuration in this process, and TLS clients that offer exactly what a test says."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from exporter.access import Access
from exporter.access.guard import guarded
from exporter.serving.server import open_server
from tests.support import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@contextmanager
def door(folder: Path, config: str, host: str = "127.0.0.1") -> Iterator[Door]:
    """Serve "in" to whoever gets through, by the rules of a configuration in ``folder``."""
    file = folder / "door.yml"
    file.write_text(config, encoding="utf-8")
    access = Access(str(file), host)
    server = open_server(guarded(_in, access), "127.0.0.1", 0, access)
    serving = threading.Thread(target=server.serve)
    serving.start()
    try:
        wait_for(lambda: bool(server.ready), 20)
        yield Door(server.bind_addr[1], file, access)
    finally:
        server.end()
        serving.join()


def _in(_: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"in"]


class Door:
    """Where to knock."""

    def __init__(self, port: int, file: Path, access: Access) -> None:
        self.port, self.file, self.access = port, file, access

    def ask(
        self, context: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Return the answer to a request, over TLS if there is a context. Raises OSError or HTTPException."""
        address = ("127.0.0.1", self.port)
        asked = http.client.HTTPSConnection(*address, timeout=20, context=context) if context else None
        with closing(asked or http.client.HTTPConnection(*address, timeout=20)) as connection:
            connection.request("GET", "/", headers=headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer

    def lets_in(self, context: ssl.SSLContext | None = None) -> bool:
        """Return whether a request is answered at all."""
        try:
            return self.ask(context).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def agreed(self, context: ssl.SSLContext) -> tuple[str, str]:
        """Return TLS version and cipher suite of a connection. Raises OSError."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            return client.version() or "", (client.cipher() or ("",))[0]


def client(folder: Path, *, group: str = "", suites: str = "", version: str = "", name: str = "") -> ssl.SSLContext:
    """Return a client that trusts the CA in ``folder`` and offers one group, these TLS 1.2 suites, this TLS version.

    ``name`` is that of its certificate and key, if it has one.
    """
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if group:
        context.set_ecdh_curve(group)
    if suites:
        context.set_ciphers(suites)
    if version:
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    if name:
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return context
