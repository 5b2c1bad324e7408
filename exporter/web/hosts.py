"""The check of the Host header, against DNS rebinding.

A browser lets a page read only what comes from the page's own host name. A stranger's page gets around that: moments
after it was loaded, its name resolves to 127.0.0.1 or to an address in the local network, and the page asks again. It
cannot change the name that the browser sends, so a request for a name that this machine does not have is refused.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from exporter.address import host_in, is_address, is_public_name
from exporter.settings import Patterns, host_patterns
from exporter.sources.host import Host
from exporter.sources.names import machine_names

if TYPE_CHECKING:
    from exporter.settings import Settings

log = logging.getLogger("exporter")

KEPT = 10.0
"""Seconds after which an unknown name lets the machine's names be read again: the network may have come up since."""

MOST_LOGGED = 16
"""Names that are logged when they are first refused; whoever keeps inventing others does not fill the log."""


def check_hosts(app: Flask, settings: Settings) -> None:
    """Let the application refuse requests for names that are not the machine's, whatever they ask for.

    Not where ``--web-config`` demands a password or TLS: a page that rebinds its name knows no password, and the
    browser does not accept the certificate for that name.
    """
    hosts = OwnHosts(settings)

    @app.before_request
    def refuse() -> Response | None:
        if request.remote_user or request.is_secure:
            return None
        refusal = hosts.refusal(request.environ.get("HTTP_HOST"), request.remote_addr)
        if refusal is None:
            return None
        status, line = refusal
        return Response(f"{line}\n", status, mimetype="text/plain", headers={"Cache-Control": "no-store"})


class OwnHosts:
    """The names and addresses under which requests are answered.

    Besides the machine's own names these are all IP addresses, because none has to be resolved, and all names that the
    public DNS cannot have, such as nas or nas.lan: whoever makes these resolve runs the local network, and can do the
    same with the machine's own names.
    """

    def __init__(self, settings: Settings) -> None:
        self._host = Host(settings.rootfs.rstrip("/"))
        self._given = [name for name in (settings.host, settings.hostname) if not is_address(name)]
        self._allowed = Patterns(",".join(host_patterns(settings.allowed_host)))
        self._all = self._allowed.match("")
        self._logged: set[str] = set()
        self._read()

    def _read(self) -> None:
        self._names = machine_names(self._host, self._given)
        self._when = time.monotonic()

    def refusal(self, header: str | None, peer: str | None) -> tuple[int, str] | None:
        """Return the status and line with which to refuse a request with this Host header, None to answer it.

        Without the header, or with an empty one, it is answered: every browser sends one. ``peer`` is for the log.
        """
        if not header or self._all:
            return None
        name = host_in(header)
        if name is None:
            return 400, "400 Bad Request; the Host header is neither a name nor an address"
        if self._accepts(name):
            return None
        self._log(name, peer)
        why = f"{name} is not a name of this machine; --allowed-host {name} (HOST_EXPORTER_ALLOWED_HOST) accepts it"
        return 421, f"421 Misdirected Request; {why}"

    def _accepts(self, name: str) -> bool:
        if not is_public_name(name) or is_address(name) or name in self._names or self._allowed.match(name):
            return True
        if time.monotonic() - self._when < KEPT:
            return False
        self._read()
        return name in self._names

    def _log(self, name: str, peer: str | None) -> None:
        if name not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(name)
            log.warning(
                "refused a request from %s for %s: not a name of this machine; if it is one, add it to --allowed-host "
                "(HOST_EXPORTER_ALLOWED_HOST; with Compose, ALLOWED_HOST in .env)",
                peer,
                name,
            )
