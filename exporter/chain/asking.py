"""Requests to Prometheus and Alertmanager: JSON in, JSON out, each within its time."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, NoReturn

from exporter.errors import cause

CHUNK = 64 * 1024

# Both are on the local network, where an Internet proxy cannot reach them.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NoAnswerError(Exception):
    """No usable answer. ``status`` is the HTTP status, 0 if there was none."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def ask(address: str, wait: float, body: object = None) -> Any:
    """Return the decoded JSON of the answer, None if it is empty; ``body`` is posted as JSON.

    Raises NoAnswerError, also if the answer is not complete within ``wait`` seconds.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - checked scheme
    deadline = time.monotonic() + wait
    try:
        with _opener.open(request, timeout=wait) as answer:
            text = b""
            while chunk := answer.read1(CHUNK):
                text += chunk
                if time.monotonic() > deadline:
                    _late(address, wait)
        return json.loads(text) if text else None
    except NoAnswerError:
        raise
    except urllib.error.HTTPError as answer:
        answer.close()
        raise NoAnswerError(f"{address}: {answer.code} {answer.reason}", answer.code) from None
    except Exception as reason:  # noqa: BLE001 - refused, timed out, not JSON, not HTTP: all the same
        inner = getattr(reason, "reason", None) or reason
        raise NoAnswerError(f"{address}: {cause(inner)}") from None


def _late(address: str, wait: float) -> NoReturn:
    raise NoAnswerError(f"{address}: the answer takes longer than {wait:g} s")
