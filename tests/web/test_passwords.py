"""Passwords: what is compared, what is cached, and who has to wait."""

from __future__ import annotations

import contextlib
import threading
import time
from types import SimpleNamespace

import pytest

from exporter.access import addresses, hashes
from exporter.access import passwords as module
from exporter.access.addresses import ATTEMPTS, REFILL
from exporter.access.passwords import REMEMBERED, Passwords, Verdict
from tests.support import wait_for
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
        patch.setattr(hashes, "matches", self._matches)
        patch.setattr(addresses, "time", SimpleNamespace(monotonic=lambda: self.now))

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
    for number in range(addresses.REMEMBERED + 50):
        watched.ask(f"guess {number}", address=f"10.{number // 256}.{number % 256}.1")
    assert len(watched._addresses._tries) == addresses.REMEMBERED
    assert len(watched._wrong._digests) == REMEMBERED
    assert watched.ask(PASSWORD) is Verdict.RIGHT


def test_one_computes_two_wait_and_the_others_are_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords()
    computing, may_end = threading.Semaphore(0), threading.Event()

    def slow(*_: bytes) -> bool:
        computing.release()
        return not may_end.wait(30)

    monkeypatch.setattr(hashes, "matches", slow)
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


OK, NO = True, False


def granted(watched: Watched, *clients: str) -> list[bool]:
    """Return which of these addresses get a place for a login, one after another, while none gives it back."""
    with contextlib.ExitStack() as places:
        return [places.enter_context(watched._slot(address)) for address in clients]


def test_addresses_with_wrong_passwords_leave_places_to_the_others(watched: Watched) -> None:
    suspects = [f"203.0.113.{number}" for number in range(5)]
    for address in suspects:
        watched.ask(f"guess from {address}", address=address)
    assert granted(watched, *suspects) == [OK, NO, NO, NO, NO]
    assert granted(watched, suspects[0], suspects[1], HERE, THERE, "192.0.2.3") == [OK, NO, OK, OK, NO]
    assert granted(watched, HERE, suspects[0]) == [OK, NO]


def test_neighbours_of_such_addresses_leave_a_place_too(watched: Watched) -> None:
    watched.ask("guess", address="203.0.113.1")
    watched.ask("another guess", address="2001:db8:1:1::/64")
    for network in ("203.0.113.{}", "2001:db8:1:{}::/64"):
        near = [network.format(number) for number in range(2, 6)]
        assert granted(watched, *near, HERE, THERE) == [OK, OK, NO, NO, OK, NO]
    assert granted(watched, "203.0.113.1", "203.0.113.2", HERE) == [OK, OK, OK]


def test_an_address_that_was_right_before_keeps_a_place_of_its_own(watched: Watched) -> None:
    assert watched.ask(PASSWORD, address=HERE) is Verdict.RIGHT
    crowd = [f"198.51.100.{number}" for number in range(4)]
    assert granted(watched, *crowd, HERE, HERE) == [OK, OK, OK, NO, OK, NO]
    for number in range(ATTEMPTS):
        assert watched.ask(f"guess {number}", address=HERE) is Verdict.WRONG
    assert granted(watched, HERE) == [NO], "it has failed too often, whatever it was before"


def test_a_wrong_password_is_forgotten_after_an_hour(watched: Watched) -> None:
    watched.ask("mistyped", address=HERE)
    assert granted(watched, THERE, HERE) == [OK, NO]
    watched.now += addresses.SUSPECTED + 1
    assert granted(watched, THERE, HERE) == [OK, OK]


def test_real_hashes_of_each_kind_are_compared() -> None:
    for kind in ("$2a$", "$2b$", "$2y$"):
        users = {b"u": hashed().replace("$2b$", kind).encode()}
        assert Passwords().check(b"u", PASSWORD.encode(), users, HERE) is Verdict.RIGHT
        assert Passwords().check(b"u", b"wrong", users, HERE) is Verdict.WRONG
    long = "x" * 80
    users = {b"u": hashed(long).encode()}
    assert Passwords().check(b"u", long.encode(), users, HERE) is Verdict.RIGHT


def work_of(monkeypatch: pytest.MonkeyPatch, password: bytes, user: bytes, users: dict[bytes, bytes]) -> float:
    """Return how much work a login causes, in comparisons at cost 0."""
    compared: list[bytes] = []

    def compare(password: bytes, hashed: bytes) -> bool:
        compared.append(hashed)
        return password == b"right" and hashed in users.values()

    monkeypatch.setattr(hashes, "matches", compare)
    verdict = Passwords().check(user, password, users, HERE)
    assert (verdict is Verdict.RIGHT) == (password == b"right" and user in users)
    return sum(2.0 ** hashes.cost_of(each) for each in compared)


@pytest.mark.parametrize("costs", [[4], [4, 4], [4, 10], [4, 6, 12], [4, 5, 18], [13, 18], [4, 8, 13, 16]])
def test_a_wrong_password_costs_the_same_whatever_the_user(monkeypatch: pytest.MonkeyPatch, costs: list[int]) -> None:
    """Otherwise the names could be told by the time that it takes."""
    users = {b"%d-%d" % each: b"$2b$%02d$%053d" % (each[1], each[0]) for each in enumerate(costs)}
    assert len({work_of(monkeypatch, b"wrong", user, users) for user in (*users, b"nobody", b"")}) == 1
    assert {work_of(monkeypatch, b"right", user, users) for user in (b"nobody", b"")} == {
        work_of(monkeypatch, b"wrong", b"nobody", users)
    }
    cheapest = min(users, key=lambda user: hashes.cost_of(users[user]))
    if min(costs) <= hashes.QUICK:
        assert work_of(monkeypatch, b"right", cheapest, users) == 2 ** min(costs), "a right one is as quick as it is"


def test_the_time_of_a_wrong_password_tells_no_names() -> None:
    users = {b"cheap": hashed(cost=4).encode(), b"middle": hashed(cost=8).encode(), b"dear": hashed(cost=10).encode()}

    def cpu_seconds(user: bytes) -> float:
        took = []
        for number in range(5):
            began = time.thread_time()
            assert Passwords().check(user, b"%d" % number, users, HERE) is Verdict.WRONG
            took.append(time.thread_time() - began)
        return min(took)

    times = {user: cpu_seconds(user) for user in (*users, b"nobody")}
    print({user.decode(): f"{took * 1000:.1f} ms" for user, took in times.items()})
    assert max(times.values()) < 2 * min(times.values()), "cost 4 alone takes a sixtieth"


DEAR = {b"quick": hashed().encode(), b"dear": hashed("slow").replace("$04$", "$18$").encode()}


class Slow:
    """Takes for a hash of cost 18 until it is told to end; its password is "slow"."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.began, self.may_end = threading.Semaphore(0), threading.Event()
        self._matches = hashes.matches
        patch.setattr(hashes, "matches", self)
        patch.setattr(module, "PATIENCE", 0.2)

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        if hashes.cost_of(hashed) <= hashes.QUICK:
            return self._matches(password, hashed)
        self.began.release()
        assert self.may_end.wait(60)
        return password == b"slow" and hashed == DEAR[b"dear"]


def test_nobody_waits_for_a_login_that_takes_twenty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, passwords = Slow(monkeypatch), Passwords()
    assert passwords.check(b"dear", b"slow", DEAR, HERE) is Verdict.LATER
    assert slow.began.acquire(timeout=10)
    for number in range(5):
        assert passwords.check(b"dear", b"%d" % number, DEAR, THERE) is Verdict.LATER
        assert passwords.check(b"nobody", b"%d" % number, DEAR, "192.0.2.3") is Verdict.LATER
    assert not slow.began.acquire(blocking=False), "one at a time"
    assert passwords.check(b"quick", PASSWORD.encode(), DEAR, HERE) is Verdict.RIGHT
    slow.may_end.set()
    wait_for(lambda: passwords.check(b"dear", b"slow", DEAR, HERE) is Verdict.RIGHT, 20)
    assert not slow.began.acquire(blocking=False), "it is known by now"


@pytest.mark.parametrize("user", [b"quick", b"dear", b"nobody"])
def test_a_login_refused_since_another_takes_long_counts_as_a_try(monkeypatch: pytest.MonkeyPatch, user: bytes) -> None:
    """Or a password with a quick hash could be guessed without limit meanwhile."""
    slow, passwords = Slow(monkeypatch), Passwords()
    assert passwords.check(b"nobody", b"first", DEAR, THERE) is Verdict.LATER
    for number in range(ATTEMPTS):
        assert passwords.check(user, b"%d" % number, DEAR, HERE) is Verdict.LATER
    assert passwords.check(b"quick", PASSWORD.encode(), DEAR, HERE) is Verdict.LATER, "too many tries"
    assert passwords.check(b"quick", PASSWORD.encode(), DEAR, "192.0.2.3") is Verdict.RIGHT
    slow.may_end.set()
