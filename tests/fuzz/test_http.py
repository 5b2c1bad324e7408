"""Whatever a real exporter receives: never a 5xx, never a traceback, and it answers the next scrape."""

from __future__ import annotations

import base64
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors import COLLECTORS
from tests.fuzz.texts import contents, odd_words
from tests.support_access import GuardedExporter, users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Exporter

PATHS = [
    "/",
    "/metrics",
    "/api/stats",
    "/-/healthy",
    "/-/ready",
    "/runbooks",
    "/static/page.css",
    "/static/",
    "*",
    "//",
    "",
]
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "get", "PRI", "G" * 300]
HEADERS = ["Accept", "Accept-Encoding", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Range"]
HEADERS += [
    "If-None-Match",
    "If-Modified-Since",
    "Cookie",
    "Authorization",
    "X-Forwarded-For",
    "Upgrade",
    "Content-Type",
]
VALUES = [
    "gzip",
    "gzip;q=0",
    "*/*",
    "text/plain;version=0.0.4",
    "application/openmetrics-text;version=1.0.0",
    "chunked",
]
VALUES += [
    "close",
    "keep-alive",
    "localhost",
    "[::1]:5000",
    "100-continue",
    "bytes=0-",
    "0",
    "5",
    "h2c",
    '"x"',
    "identity",
]
GOOD = b"GET /metrics?collect[]=cpu HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\r\n"


LOGIN = b"Authorization: Basic "


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """An exporter with a password, without TLS so that any bytes can be sent."""
    with GuardedExporter(tmp_path_factory.mktemp("guarded"), users()) as running:
        yield running
        assert running.get("/-/healthy").status == 200
        assert running.stop() == 0
        # A test's hash has to be quick, and a request without a password is refused.
        expected = ("quick to guess", "is refused")
        lines = [line for line in running.log.splitlines() if not any(words in line for words in expected)]
        assert len(lines) == 2, running.log


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A well-formed request with odd parts."""
    odd = odd_words() | st.text(max_size=20).map(str.encode)
    path = draw(st.sampled_from(PATHS).map(str.encode) | odd)
    names = st.sampled_from([each.name for each in COLLECTORS]).map(str.encode) | odd
    query = b"&".join(b"collect[]=" + name for name in draw(st.lists(names, max_size=3)))
    query = draw(st.just(query) | odd)
    method = draw(st.sampled_from(["GET"] * 5 + METHODS)).encode()
    version = draw(st.sampled_from([b"HTTP/1.1"] * 5 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b""]))
    lines = [b" ".join((method, path + (b"?" + query if query else b""), version)), b"Host: localhost"]
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(HEADERS).map(str.encode) | odd)
        lines.append(name + b": " + draw(st.sampled_from(VALUES).map(str.encode) | odd))
    return b"\r\n".join(lines) + b"\r\n\r\n" + draw(st.just(b"") | odd)


def _send(exporter: Exporter, request: bytes) -> bytes:
    """Return everything received until the exporter closes the connection, which may be in mid-request."""
    got = b""
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=20) as client, suppress(ConnectionError):
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        while piece := client.recv(65536):
            got += piece
    return got


def _check(exporter: Exporter, request: bytes) -> None:
    answer = _send(exporter, request)
    # No response is fine for what is not a request. 505 is the one 5xx that HTTP requires: for an unsupported version.
    if answer:
        known = (b"HTTP/1.1 1", b"HTTP/1.1 2", b"HTTP/1.1 3", b"HTTP/1.1 4", b"HTTP/1.1 505")
        assert answer.startswith(known), answer[:300]
    assert b"Traceback (most" not in answer


@settings(max_examples=settings().max_examples * 5)
@given(request=requests())
def test_a_request_of_odd_parts(sturdy: Exporter, request: bytes) -> None:
    _check(sturdy, request)


@settings(max_examples=settings().max_examples * 3)
@given(request=contents(GOOD))
def test_a_damaged_request(sturdy: Exporter, request: bytes) -> None:
    _check(sturdy, request)


@given(request=requests(), word=odd_words(), encoded=st.booleans())
def test_nobody_gets_past_the_question_for_a_password(
    guarded: Exporter, request: bytes, word: bytes, encoded: bool
) -> None:
    first, _, rest = request.partition(b"\r\n")
    login = LOGIN + (base64.b64encode(word) if encoded else word)
    for sent in (request, b"\r\n".join((first, login, rest))):
        answer = _send(guarded, sent)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 100", b"HTTP/1.1 505")), answer[:300]
        assert b"host_" not in answer


@given(several=st.lists(requests(), min_size=2, max_size=4))
def test_requests_behind_each_other_on_one_connection(sturdy: Exporter, several: list[bytes]) -> None:
    _check(sturdy, b"".join(several))
    assert _send(sturdy, b"GET /-/healthy HTTP/1.0\r\n\r\n").endswith(b"alive\n")
