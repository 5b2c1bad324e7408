"""Passwords against bcrypt hashes: slow by design, so what was right once is remembered, and one computes at a time.

At cost 10 one comparison takes some 70 ms of a core. A scrape every 15 s must not pay that, and strangers who try
passwords must get neither the workers nor the CPU.
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
"""Logins that are remembered, right ones and wrong ones; the one that was not used for longest goes."""

AT_A_TIME = 3
"""Requests that compute or wait for it, of the server's six workers; only one computes."""

ATTEMPTS = 10
"""Wrong passwords in a row that one address may try; after that one every ``REFILL`` seconds."""
REFILL = 5.0
ADDRESSES = 1000
"""Addresses whose wrong passwords are counted; the one that was not seen for longest goes."""

LONGEST = 72
"""Bytes of a password that bcrypt looks at; the library refuses more, others pass over them."""

COSTLIEST = 16
"""At cost 10 a comparison takes 0.07 s, at 16 five seconds; each step doubles it."""

_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")


class BadHashError(ValueError):
    """A text that is no hash to compare with. Its words never hold the text, which may be a password."""


class Verdict(enum.Enum):
    """What becomes of a login."""

    RIGHT = "right"
    WRONG = "wrong"
    LATER = "later"


def check_hash(value: Any) -> bytes:
    """Return a bcrypt hash as bytes. Raises BadHashError."""
    example = "as htpasswd -nBC 10 makes it (not shown, it may be a password)"
    found = _HASH.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise BadHashError(
            f"the value is no bcrypt hash; give $2a$, $2b$ or $2y$, two digits, $ and 53 characters, {example}"
        )
    if not 4 <= int(found[1]) <= COSTLIEST:
        raise BadHashError(f"the hash has cost {found[1]}; give 04 to {COSTLIEST}, 10 is usual")
    try:  # the salt, at the lowest cost
        bcrypt.hashpw(b"", b"$2b$04$" + value[7:29].encode())
    except ValueError:
        raise BadHashError(f"the value is no bcrypt hash, its salt cannot be; give one {example}") from None
    hashed: str = value
    return hashed.encode()


class Passwords:
    """Compares logins with hashes, and remembers which were right or wrong: as a digest, with a key of this run.

    A wrong one is remembered so that a client with an old password, which tries it again and again, neither computes
    nor counts as a stranger who tries many: others at its address would be kept out with it.
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
        """Return whether a user of ``users`` (name to hash) has this password.

        An unknown user takes as long as the one whose hash costs most: a hash that nothing fits is compared in place of
        theirs. LATER where others compute, or ``address`` has tried too many wrong ones.
        """
        hashed = users.get(user)
        digest = self._digest(user, password, hashed or b"")
        if known := self._known(digest):
            return known
        with self._place(address) as granted:
            if not granted:
                return Verdict.LATER
            with self._computing:
                if known := self._known(digest):  # another request has brought the same login meanwhile
                    return known
                right = matches(password, hashed or _like(users)) and hashed is not None
                with self._lock:
                    (self._right if right else self._wrong).add(digest)
                    if not right:
                        self._count_wrong(address)
        return Verdict.RIGHT if right else Verdict.WRONG

    def _digest(self, user: bytes, password: bytes, hashed: bytes) -> bytes:
        """Return what a login is remembered by. The hash is part of it: a new password ends the old one at once."""
        parts = b"".join(len(part).to_bytes(8) + part for part in (user, password, hashed))
        return hashlib.blake2b(parts, key=self._key, digest_size=32).digest()

    def _known(self, digest: bytes) -> Verdict | None:
        with self._lock:
            if self._right.has(digest):
                return Verdict.RIGHT
            return Verdict.WRONG if self._wrong.has(digest) else None

    @contextmanager
    def _place(self, address: str) -> Iterator[bool]:
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
    """Some digests; the one that was not asked for longest goes."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def has(self, digest: bytes) -> bool:
        """Return whether it is there."""
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True

    def add(self, digest: bytes) -> None:
        """Add one."""
        self._digests[digest] = None
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)


def matches(password: bytes, hashed: bytes) -> bool:
    """Return whether a password has this hash; only its first 72 bytes count, as for every other bcrypt."""
    return bcrypt.checkpw(password[:LONGEST], hashed)


def _like(users: Mapping[bytes, bytes]) -> bytes:
    """Return a hash as costly as the costliest of these."""
    cost = max((hashed[4:6] for hashed in users.values()), default=b"10")
    return b"$2b$" + cost + b"$" + b"." * 53
