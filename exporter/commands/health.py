"""Checks that a running exporter responds; for container health checks."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from urllib.parse import urlsplit

from exporter.address import is_web_address
from exporter.errors import SettingError, cause

TIMEOUT = 5.0
"""Seconds to wait for the response."""

NO_PROXY = urllib.request.ProxyHandler({})
"""The exporter is local: an Internet proxy cannot reach it, and Docker passes its proxy settings to containers."""


def check(url: str) -> tuple[bool, str]:
    """Return whether the exporter at ``url`` responds, and a line that says so. Raises SettingError.

    A URL without a path is checked at ``/-/healthy``.
    """
    address = _address(url)
    code, text = _ask(address, urllib.request.build_opener(NO_PROXY))
    if code == HTTPStatus.MISDIRECTED_REQUEST:
        text = f"{text}: the exporter there has other names; --allowed-host {urlsplit(address).hostname} adds this one"
    return 200 <= code < 300, f"{address}: {text}"


def check_here(host: str, port: float) -> tuple[bool, str]:
    """Return whether the exporter on this machine responds, whatever its ``--web-config``, and a line that says so.

    The request carries no password, and the certificate is not verified: it need not name the loopback address, and
    nothing secret is sent. An exporter that demands a password (401) or a client certificate is alive.
    """
    address = f"{here(host, port)}/-/healthy"
    code, text = _ask(address, urllib.request.build_opener(NO_PROXY))
    if code == HTTPStatus.BAD_REQUEST:  # a TLS port's response to plain HTTP
        address = address.replace("http:", "https:", 1)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        code, text = _ask(address, urllib.request.build_opener(NO_PROXY, urllib.request.HTTPSHandler(context=context)))
    if code == HTTPStatus.UNAUTHORIZED:
        return True, f"{address}: requires a password"
    if code == _ALERT:
        return True, f"{address}: requires a client certificate ({text})"
    return 200 <= code < 300, f"{address}: {text}"


_ALERT = -1
"""Stands for a status code when the server ended the TLS handshake with an alert."""


def _ask(address: str, opener: urllib.request.OpenerDirector) -> tuple[int, str]:
    """Return the response's status code and reason; the code is 0 if there was no response."""
    try:
        with opener.open(address, timeout=TIMEOUT) as answer:
            return answer.status, f"{answer.status} {answer.reason}"
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, f"{answer.code} {answer.reason}"
    except (OSError, ValueError) as reason:  # URLError is an OSError; a malformed response a ValueError
        inner = getattr(reason, "reason", None) or reason
        if isinstance(reason, ssl.SSLError):  # its "reason" is an OpenSSL code
            inner = reason
        if isinstance(inner, ssl.SSLError):
            word = inner.reason or str(inner)
            return (_ALERT if "ALERT" in word else 0), word.replace("_", " ").lower()
        return 0, cause(inner)
    except Exception as reason:  # noqa: BLE001 - http.client raises its own errors for a response that is not HTTP
        return 0, f"{type(reason).__name__}, not an exporter"


def _address(url: str) -> str:
    if not is_web_address(url):
        raise SettingError("URL", url, "an address such as http://127.0.0.1:5000")
    parts = urlsplit(url)
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/-/healthy"


def here(host: str, port: float) -> str:
    """Return the address at which this machine reaches a server that listens on ``host`` and ``port``."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    return f"http://[{local}]:{port:.0f}" if ":" in local else f"http://{local}:{port:.0f}"
