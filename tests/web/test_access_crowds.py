"""Crowds at a TLS port: handshakes that stall, drip or fail take a waiting slot, but never a worker."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support_access import TLS, USER, Authority, GuardedExporter, hashed, hello, login, trusting, users
from tests.tools.bench_machine import cpu_seconds
from tests.web.crowd import SOON, crowd, given_up_after, saying, scrape, slowest_beside_drips

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("access")
    Authority(folder).issue("server")
    return folder


@pytest.fixture(scope="module")
def guarded(folder: Path) -> Iterator[GuardedExporter]:
    with GuardedExporter(folder, TLS + users()) as running:
        yield running


HELLO = hello()


@pytest.mark.parametrize(
    "greeting",
    [b"", HELLO[:1], HELLO[:100], HELLO, b"GET /metrics HTTP/1.1\r\n", HELLO[:5] + b"\xff" * 300],
    ids=["nothing", "a byte", "half a hello", "a hello and no more", "plain HTTP", "nonsense"],
)
def test_a_scraper_is_served_despite_200_clients_that_never_finish_their_handshake(
    guarded: GuardedExporter, greeting: bytes
) -> None:
    with crowd(guarded, 200, saying(greeting)):
        times = [scrape(guarded) for _ in range(5)]
    print(f"slowest of 5 scrapes beside 200 such clients: {max(times) * 1000:.1f} ms")
    assert max(times) < SOON


def test_a_scraper_is_served_despite_200_handshakes_that_drip(guarded: GuardedExporter) -> None:
    pieces = (HELLO[place : place + 1] for place in range(1, len(HELLO)))
    with crowd(guarded, 200, saying(HELLO[:1])) as clients:
        slowest = slowest_beside_drips(guarded, clients, pieces)
    print(f"slowest of 5 scrapes beside 200 that drip: {slowest * 1000:.1f} ms")
    assert slowest < SOON


def test_a_handshake_that_drips_is_closed(guarded: GuardedExporter) -> None:
    with crowd(guarded, 1, saying(b"")) as [client]:
        rest = iter(HELLO)
        assert 8 < given_up_after(client, lambda: client.send(bytes([next(rest)]))) < 20


def test_a_tls_record_that_drips_is_closed(guarded: GuardedExporter, folder: Path) -> None:
    """None of it can be decrypted before it is complete, so nothing seems to arrive."""
    with crowd(guarded, 1, saying(b"")) as [client]:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting(folder).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                client.sendall(outgoing.read())
                incoming.write(client.recv(65536))
        client.sendall(outgoing.read())
        tls.write(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 8000)
        record = iter(outgoing.read())
        assert 8 < given_up_after(client, lambda: client.send(bytes([next(record)]))) < 20


def test_requests_in_one_tls_record_or_many_or_in_halves_are_all_answered(
    guarded: GuardedExporter, folder: Path
) -> None:
    """Data that TLS has already decrypted does not wake the selector and must not be left unread."""
    head = f"Host: x\r\nAuthorization: {login()['Authorization']}\r\n".encode()
    one = b"GET /-/healthy HTTP/1.1\r\n" + head + b"\r\n"
    last = b"GET /-/healthy HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n"
    for pieces in ([one * 20 + last], [one * 700 + last], [one, one, last], [one[:30], one[30:] + last[:9], last[9:]]):
        with (
            socket.create_connection(("127.0.0.1", guarded.port), timeout=20) as plain,
            trusting(folder).wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            # Send everything before reading anything: Python's TLS cannot do both at once in two threads.
            for piece in pieces:
                client.sendall(piece)
            text = b""
            while answer := client.recv(65536):
                text += answer
        assert text.count(b"HTTP/1.1 200 OK") == sum(piece.count(b"GET /") for piece in pieces)


def test_a_response_ends_as_tls_demands(guarded: GuardedExporter, folder: Path) -> None:
    """With a close_notify: without it, a client cannot tell the end of a response from one cut off by an attacker."""
    with (
        socket.create_connection(("127.0.0.1", guarded.port), timeout=20) as plain,
        trusting(folder).wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as client,
    ):
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while client.recv(65536):
            pass


def test_silent_handshakes_cost_no_cpu(folder: Path) -> None:
    with GuardedExporter(folder, TLS + users()) as exporter, crowd(exporter, 150, saying(HELLO)):
        time.sleep(0.5)
        before = cpu_seconds(exporter.process.pid)
        time.sleep(2)
        assert cpu_seconds(exporter.process.pid) - before < 0.5


def test_guessing_passwords_locks_out_nobody_who_has_logged_in_before(folder: Path) -> None:
    """At cost 12, each attempt takes a third of a second on one core."""
    with GuardedExporter(folder, f"{TLS}basic_auth_users:\n  {USER}: {hashed(cost=12)}\n") as exporter:
        stop = threading.Event()
        seen: list[int] = []

        def guess(number: int) -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    seen.append(exporter.get("/", login(password=str(number))).status)

        guessers = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
        for thread in guessers:
            thread.start()
        try:
            times = [scrape(exporter) for _ in range(10)]
        finally:
            stop.set()
            for thread in guessers:
                thread.join()
    wrong = f"{len(seen)} wrong passwords, {seen.count(401)} of them compared"
    print(f"slowest of 10 scrapes beside {wrong}: {max(times) * 1000:.0f} ms")
    assert max(times) < SOON
    assert set(seen) <= {401, 429}
    assert seen.count(429) > seen.count(401)
