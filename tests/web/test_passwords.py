"""Passwords: what is compared, what is cached, and who has to wait."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from exporter.access import passwords as module
from exporter.access.passwords import ADDRESSES, ATTEMPTS, REFILL, REMEMBERED, Passwords, Verdict
from tests.support_access import PASSWORD, USER, hashed

USERS = {USER.encode(): hashed().encode(), b"grafana": hashed("another").encode()}
RIGHT = {(PASSWORD.encode(), USERS[USER.encode()]), (b"another", USERS[b"grafana"])}
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Watched(Passwords):
    """Counts comparisons, with a clock that advances only when told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.compared: list[tuple[bytes, bytes]] = []
        self.now = 1000.0
        patch.setattr(module, "matches", self._matches)
        patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))

    def _matches(self, password: bytes, hashed: bytes) -> bool:
        self.compared.append((password, hashed))
        return hashed in USERS.values() and password == (
            PASSWORD.encode() if hashed == USERS[USER.encode()] else b"another"
        )

    def ask(self, password: str, user: str = USER, address: str = HERE) -> Verdict:
        return self.check(user.encode(), password.encode(), USERS, address)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def test_a_login_is_compared_once_right_or_wrong(watched: Watched) -> None:
    for _ in range(5):
        assert watched.ask(PASSWORD) is Verdict.RIGHT
        assert watched.ask("old password") is Verdict.WRONG
    assert len(watched.compared) == 2


def test_somebody_elses_password_is_wrong(watched: Watched) -> None:
    assert watched.ask("another") is Verdict.WRONG
    assert watched.ask("another", "grafana") is Verdict.RIGHT


def test_a_new_hash_invalidates_the_cache_at_once(watched: Watched) -> None:
    assert watched.ask(PASSWORD) is Verdict.RIGHT
    changed = USERS | {USER.encode(): hashed("new one").encode()}
    assert watched.check(USER.encode(), PASSWORD.encode(), changed, HERE) is Verdict.WRONG
    assert watched.check(USER.encode(), PASSWORD.encode(), {}, HERE) is Verdict.WRONG


def test_an_unknown_user_costs_a_comparison_as_well_and_never_gets_in(watched: Watched) -> None:
    assert watched.ask(PASSWORD, "nobody") is Verdict.WRONG
    [(password, dummy)] = watched.compared
    assert password == PASSWORD.encode()
    assert dummy.startswith(b"$2b$04$")
    assert len(dummy) == 60


def test_after_ten_wrong_ones_an_address_may_try_one_in_five_seconds(watched: Watched) -> None:
    assert [watched.ask(f"guess {n}") for n in range(ATTEMPTS)] == [Verdict.WRONG] * ATTEMPTS
    assert watched.ask("guess 10") is Verdict.LATER
    assert watched.ask("guess 0") is Verdict.WRONG, "that is known already"
    assert watched.ask(PASSWORD) is Verdict.LATER, "not before it was right once"
    assert watched.ask(PASSWORD, address=THERE) is Verdict.RIGHT
    assert watched.ask(PASSWORD) is Verdict.RIGHT
    watched.now += REFILL
    assert watched.ask("guess 11") is Verdict.WRONG
    assert watched.ask("guess 12") is Verdict.LATER
    watched.now += 1000 * REFILL
    assert [watched.ask(f"later {n}") for n in range(ATTEMPTS + 1)] == [Verdict.WRONG] * ATTEMPTS + [Verdict.LATER]


def test_a_client_with_an_old_password_locks_out_nobody_else_at_its_address(watched: Watched) -> None:
    for _ in range(100):
        assert watched.ask("old password") is Verdict.WRONG
    assert watched.ask("another", "grafana") is Verdict.RIGHT


def test_the_cache_is_bounded(watched: Watched) -> None:
    for number in range(ADDRESSES + 50):
        watched.ask(f"guess {number}", address=f"198.51.100.{number}")
    assert len(watched._tries) == ADDRESSES
    assert len(watched._wrong._digests) == REMEMBERED
    assert watched.ask(PASSWORD) is Verdict.RIGHT


def test_one_computes_two_wait_and_the_others_are_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    computing, may_end = threading.Semaphore(0), threading.Event()

    def slow(*_: bytes) -> bool:
        computing.release()
        return not may_end.wait(30)

    monkeypatch.setattr(module, "matches", slow)
    found: list[Verdict] = []

    def ask(number: int) -> None:
        found.append(passwords.check(USER.encode(), b"guess %d" % number, USERS, f"192.0.2.{number}"))

    threads = [threading.Thread(target=ask, args=[number]) for number in range(8)]
    threads[0].start()
    assert computing.acquire(timeout=10)
    for thread in threads[1:]:
        thread.start()
    while len(found) < 5:
        threading.Event().wait(0.01)
    assert found == [Verdict.LATER] * 5
    assert not computing.acquire(blocking=False), "only one computes"
    may_end.set()
    for thread in threads:
        thread.join(10)
    assert sorted(found, key=str) == [Verdict.LATER] * 5 + [Verdict.WRONG] * 3


def test_real_hashes_of_each_kind_are_compared() -> None:
    for kind in ("$2a$", "$2b$", "$2y$"):
        users = {b"u": hashed().replace("$2b$", kind).encode()}
        assert Passwords().check(b"u", PASSWORD.encode(), users, HERE) is Verdict.RIGHT
        assert Passwords().check(b"u", b"wrong", users, HERE) is Verdict.WRONG
    long = "x" * 80
    users = {b"u": hashed(long).encode()}
    assert Passwords().check(b"u", long.encode(), users, HERE) is Verdict.RIGHT
