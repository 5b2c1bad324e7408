"""Asks a running exporter whether it is alive; for container health checks."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlsplit

from exporter.errors import SettingError

TIMEOUT = 5.0
"""Seconds to wait for the answer."""


def check(url: str) -> tuple[bool, str]:
    """Return whether the exporter at ``url`` answers, and a line that says so. Raises SettingError.

    A URL without a path gets ``/-/healthy``.
    """
    address = _address(url)
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:  # noqa: S310 - the scheme is checked
            return True, f"{address}: {answer.status} {answer.reason}"
    except urllib.error.HTTPError as answer:
        return False, f"{address}: {answer.code} {answer.reason}"
    except (OSError, ValueError) as reason:  # URLError is an OSError; a broken answer is a ValueError
        inner = getattr(reason, "reason", None) or reason
        return False, f"{address}: {getattr(inner, 'strerror', None) or inner}"
    except Exception as reason:  # noqa: BLE001 - http.client has errors of its own for what is no HTTP
        return False, f"{address}: {type(reason).__name__}, this is no exporter"


def _address(url: str) -> str:
    accepted = "an address such as http://127.0.0.1:5000"
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or any(c.isspace() or not c.isprintable() for c in url):
        raise SettingError("URL", url, accepted)
    return url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/-/healthy"
