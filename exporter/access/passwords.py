"""Checks passwords against bcrypt hashes: slow by design, so results are cached, and one hash is computed at a time.

At cost 10 a comparison takes about 70 ms of one core. A scrape every 15 s must not pay for that, and somebody guessing
passwords must not tie up the workers or the CPU.
"""

from __future__ import annotations

import enum
import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REMEMBERED = 100
"""Size of each cache, one for valid logins and one for invalid; the least recently used entry is evicted."""

AT_A_TIME = 3
"""How many of the server's six workers may compute a hash or wait to; only one at a time computes."""

ATTEMPTS = 10
"""Wrong passwords that one address may try in a row; after that, one every ``REFILL`` seconds."""
REFILL = 5.0
ADDRESSES = 1000
"""Addresses whose failed attempts are counted; the least recently seen one is evicted."""

LONGEST = 72
"""Bytes of a password that bcrypt uses. This library rejects longer ones; others ignore the rest."""

COSTLIEST = 18
"""At cost 10 a comparison takes 0.07 s, at 18 twenty seconds; each step doubles the time."""

USUAL = 10
"""The cost that htpasswd and other programs are told to use; less is quick to guess once the hash is known."""

_SAMPLE = 6
"""The cost that is timed to tell what others take."""

_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")


class BadHashError(ValueError):
    """A value that is not a usable hash. The message never contains the value, which may be a password."""


class Verdict(enum.Enum):
    """The result of a login attempt."""

    RIGHT = "right"
    WRONG = "wrong"
    LATER = "later"


def check_hash(value: Any) -> bytes:
    """Return a bcrypt hash as bytes. Raises BadHashError."""
    example = "as printed by htpasswd -nBC 10 (value not shown, it may be a password)"
    found = _HASH.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise BadHashError(
            f"the value is not a bcrypt hash; give $2a$, $2b$ or $2y$, two digits, $ and 53 characters, {example}"
        )
    if not 4 <= int(found[1]) <= COSTLIEST:
        raise BadHashError(f"the hash has cost {found[1]}; give 04 to {COSTLIEST}, {USUAL} is usual")
    try:  # check the salt, at the lowest cost
        bcrypt.hashpw(b"", b"$2b$04$" + value[7:29].encode())
    except ValueError:
        raise BadHashError(f"the value is not a bcrypt hash, its salt is invalid; give one {example}") from None
    hashed: str = value
    return hashed.encode()


class Passwords:
    """Checks logins against hashes and caches the results, as digests keyed with a secret of this run.

    Wrong logins are cached too: a client that keeps retrying an outdated password costs no hashing and does not use up
    its address's attempts, which would lock out other clients at that address.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right = Memory()
        self._wrong = Memory()
        self._tries: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._computing = threading.Lock()
        self._present = 0

    def check(self, user: bytes, password: bytes, users: Mapping[bytes, bytes], address: str) -> Verdict:
        """Return whether a user in ``users`` (name to hash) has this password.

        A wrong login takes as much work whatever the user, known or not, or names could be told by the time it takes.
        LATER means that too many other checks are running, or that ``address`` has failed too often.
        """
        hashed = users.get(user)
        digest = self._digest(user, password, hashed or b"")
        if known := self._known(digest):
            return known
        with self._slot(address) as granted:
            if not granted:
                return Verdict.LATER
            with self._computing:
                if known := self._known(digest):  # another request has just checked the same login
                    return known
                right = compare(password, hashed, users)
                with self._lock:
                    (self._right if right else self._wrong).add(digest)
                    if not right:
                        self._count_wrong(address)
        return Verdict.RIGHT if right else Verdict.WRONG

    def _digest(self, user: bytes, password: bytes, hashed: bytes) -> bytes:
        """Return a login's cache key. It includes the hash, so that changing a password invalidates the old one."""
        parts = b"".join(len(part).to_bytes(8) + part for part in (user, password, hashed))
        return hashlib.blake2b(parts, key=self._key, digest_size=32).digest()

    def _known(self, digest: bytes) -> Verdict | None:
        with self._lock:
            if self._right.has(digest):
                return Verdict.RIGHT
            return Verdict.WRONG if self._wrong.has(digest) else None

    @contextmanager
    def _slot(self, address: str) -> Iterator[bool]:
        with self._lock:
            granted = self._present < AT_A_TIME and self._tries_left(address) >= 1
            self._present += granted
        try:
            yield granted
        finally:
            with self._lock:
                self._present -= granted

    def _tries_left(self, address: str) -> float:
        left, since = self._tries.get(address, (float(ATTEMPTS), 0.0))
        return min(ATTEMPTS, left + (time.monotonic() - since) / REFILL)

    def _count_wrong(self, address: str) -> None:
        self._tries[address] = (self._tries_left(address) - 1, time.monotonic())
        self._tries.move_to_end(address)
        if len(self._tries) > ADDRESSES:
            self._tries.popitem(last=False)


class Memory:
    """A set of digests that evicts the least recently used one."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def has(self, digest: bytes) -> bool:
        """Return whether ``digest`` is known, and mark it as used."""
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True

    def add(self, digest: bytes) -> None:
        """Add a digest, and evict the oldest one if there are too many."""
        self._digests[digest] = None
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)


def matches(password: bytes, hashed: bytes) -> bool:
    """Return whether a password has this hash; only its first 72 bytes count, as in other bcrypt implementations."""
    return bcrypt.checkpw(password[:LONGEST], hashed)


def compare(password: bytes, hashed: bytes | None, users: Mapping[bytes, bytes]) -> bool:
    """Return whether a password has this hash, which is None for an unknown user.

    If it has not, as much work has been done as the costliest hash among ``users`` takes: a cost of c and then another
    c, c+1, c+2 and so on add up to the work of the first cost that is left out.
    """
    costs = [int(each[4:6]) for each in users.values()] or [USUAL]
    own = min(costs) if hashed is None else int(hashed[4:6])
    if matches(password, hashed or _dummy(own)) and hashed is not None:
        return True
    for cost in range(own, max(costs)):
        matches(password, _dummy(cost))
    return False


def seconds_of(cost: int) -> float:
    """Return about how long a comparison at a cost takes here. Costs 5 ms itself."""
    began = time.perf_counter()
    matches(b"", _dummy(_SAMPLE))
    return (time.perf_counter() - began) * 2.0 ** (cost - _SAMPLE)


def _dummy(cost: int) -> bytes:
    """Return a hash of that cost that no password has."""
    return b"$2b$%02d$" % cost + b"." * 53
