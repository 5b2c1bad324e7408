"""Asks a running exporter whether it is alive; for container health checks."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from urllib.parse import urlsplit

from exporter.address import is_web_address
from exporter.errors import SettingError

TIMEOUT = 5.0
"""Seconds to wait for the answer."""

NO_PROXY = urllib.request.ProxyHandler({})
"""The exporter is near: a proxy for the Internet would not find it, and Docker hands its own to containers."""


def check(url: str) -> tuple[bool, str]:
    """Return whether the exporter at ``url`` answers, and a line that says so. Raises SettingError.

    A URL without a path gets ``/-/healthy``.
    """
    address = _address(url)
    code, text = _ask(address, urllib.request.build_opener(NO_PROXY))
    return 200 <= code < 300, f"{address}: {text}"


def check_here(host: str, port: float) -> tuple[bool, str]:
    """Return whether the exporter on this machine answers, whatever ``--web-config`` it has, and a line that says so.

    It is asked without a password, and its certificate is not verified: no name in it need be that of loopback, and
    nothing secret is sent. That it asks for a password (401) or for a certificate shows that it is alive.
    """
    address = f"{here(host, port)}/-/healthy"
    code, text = _ask(address, urllib.request.build_opener(NO_PROXY))
    if code == HTTPStatus.BAD_REQUEST:  # how it answers plain HTTP where it speaks TLS
        address = address.replace("http:", "https:", 1)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        code, text = _ask(address, urllib.request.build_opener(NO_PROXY, urllib.request.HTTPSHandler(context=context)))
    if code == HTTPStatus.UNAUTHORIZED:
        return True, f"{address}: asks for a password"
    if code == _ALERT:
        return True, f"{address}: asks for a certificate ({text})"
    return 200 <= code < 300, f"{address}: {text}"


_ALERT = -1
"""In place of a status: TLS was spoken, and the other side ended it with an alert."""


def _ask(address: str, opener: urllib.request.OpenerDirector) -> tuple[int, str]:
    """Return status and reason of an answer, 0 where there is none."""
    try:
        with opener.open(address, timeout=TIMEOUT) as answer:
            return answer.status, f"{answer.status} {answer.reason}"
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, f"{answer.code} {answer.reason}"
    except (OSError, ValueError) as reason:  # URLError is an OSError; a broken answer is a ValueError
        inner = getattr(reason, "reason", None) or reason
        if isinstance(reason, ssl.SSLError):  # its "reason" is a word of OpenSSL's
            inner = reason
        if isinstance(inner, ssl.SSLError):
            word = inner.reason or str(inner)
            return (_ALERT if "ALERT" in word else 0), word.replace("_", " ").lower()
        return 0, str(getattr(inner, "strerror", None) or inner)
    except Exception as reason:  # noqa: BLE001 - http.client has errors of its own for what is no HTTP
        return 0, f"{type(reason).__name__}, this is no exporter"


def _address(url: str) -> str:
    if not is_web_address(url):
        raise SettingError("URL", url, "an address such as http://127.0.0.1:5000")
    parts = urlsplit(url)
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/-/healthy"


def here(host: str, port: float) -> str:
    """Return the address of what listens on ``host`` and ``port``, asked from the same machine."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    return f"http://[{local}]:{port:.0f}" if ":" in local else f"http://{local}:{port:.0f}"
