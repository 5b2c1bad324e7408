"""Asks a running exporter whether it is alive; for container health checks."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlsplit

from exporter.address import is_web_address
from exporter.errors import SettingError

TIMEOUT = 5.0
"""Seconds to wait for the answer."""

# The exporter is near: a proxy for the Internet would not find it, and Docker hands its own to containers.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check(url: str) -> tuple[bool, str]:
    """Return whether the exporter at ``url`` answers, and a line that says so. Raises SettingError.

    A URL without a path gets ``/-/healthy``.
    """
    address = _address(url)
    try:
        with _opener.open(address, timeout=TIMEOUT) as answer:
            return True, f"{address}: {answer.status} {answer.reason}"
    except urllib.error.HTTPError as answer:
        return False, f"{address}: {answer.code} {answer.reason}"
    except (OSError, ValueError) as reason:  # URLError is an OSError; a broken answer is a ValueError
        inner = getattr(reason, "reason", None) or reason
        return False, f"{address}: {getattr(inner, 'strerror', None) or inner}"
    except Exception as reason:  # noqa: BLE001 - http.client has errors of its own for what is no HTTP
        return False, f"{address}: {type(reason).__name__}, this is no exporter"


def _address(url: str) -> str:
    if not is_web_address(url):
        raise SettingError("URL", url, "an address such as http://127.0.0.1:5000")
    parts = urlsplit(url)
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/-/healthy"


def here(host: str, port: float) -> str:
    """Return the address of what listens on ``host`` and ``port``, asked from the same machine."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here
    return f"http://[{local}]:{port:.0f}" if ":" in local else f"http://{local}:{port:.0f}"
