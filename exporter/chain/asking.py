"""Requests to Prometheus and Alertmanager: JSON in, JSON out, each within its time."""

from __future__ import annotations

import http.client
import io
import json
import time
import urllib.request
from functools import cache
from ssl import SSLContext, create_default_context
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from exporter.errors import cause

if TYPE_CHECKING:
    import socket

CHUNK = 64 * 1024
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer: the alerts of thousands of machines."""


class NoAnswerError(Exception):
    """No usable answer. ``status`` is the HTTP status, 0 if there was none."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def ask(address: str, wait: float, body: object = None, *, largest: int | None = None) -> Any:
    """Return the decoded JSON of the answer, None if it is empty; ``body`` is posted as JSON.

    A longer answer than ``largest`` bytes, by default LARGEST, is none. A redirect to another host is no answer.

    Raises NoAnswerError, also if connecting or the whole answer takes longer than ``wait`` seconds. Looking up the name
    of a server that is gone takes as long as the system's resolver needs, 10 to 30 s as a rule: nothing limits that.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - checked scheme
    try:
        with _opener.open(request, timeout=wait) as answer:
            text = _whole(answer, largest or LARGEST)
        return json.loads(text) if text else None
    except HTTPError as answer:
        answer.close()
        raise NoAnswerError(f"{address}: {answer.code} {answer.reason}", answer.code) from None
    except Exception as reason:  # noqa: BLE001 - refused, timed out, not JSON, not HTTP: all the same
        inner = getattr(reason, "reason", None) or reason
        raise NoAnswerError(f"{address}: {cause(inner)}") from None


def _whole(answer: http.client.HTTPResponse, largest: int) -> bytes:
    text = b""
    while chunk := answer.read1(CHUNK):
        text += chunk
        if len(text) > largest:
            raise ValueError("too long")
    return text


def texts(value: Any) -> dict[str, str]:
    """Return labels or annotations as they are. Raises TypeError if they are no texts by name."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise TypeError(f"{value!r} are no labels")
    return value


class _Until(io.RawIOBase):
    """Reads from a socket until a moment. The socket's own timeout begins anew with each byte that trickles in."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Until(sock))


class _Connection(http.client.HTTPConnection):
    response_class = _Answer


class _SecureConnection(http.client.HTTPSConnection):
    response_class = _Answer


class _Http(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, request, context=_context())


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to where it has asked already, such as from http to https, and nowhere else."""

    def redirect_request(self, req: urllib.request.Request, *answer: Any) -> urllib.request.Request | None:
        *_, target = answer
        if urlsplit(target).hostname != urlsplit(req.full_url).hostname:
            return None
        return super().redirect_request(req, *answer)


@cache
def _context() -> SSLContext:
    """Return the rules for TLS. To read the system's certificates takes 20 ms."""
    return create_default_context()


# Both are on the local network, where an Internet proxy cannot reach them.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _SameHost, _Http, _Https)
