"""Checks passwords against bcrypt hashes: slow by design, so results are cached, and one hash is computed at a time.

At cost 10 a comparison takes about 70 ms of one core. A scrape every 15 s must not pay for that, and somebody guessing
passwords must not tie up the workers or the CPU.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exporter.access.addresses import Addresses
from exporter.access.hashes import Work, cost_of
from exporter.threads import Spare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REMEMBERED = 100
"""Size of each cache, one for valid logins and one for invalid; the least recently used entry is evicted."""

PATIENCE = 5.0
"""Seconds that a client waits for a hash that takes long, before it is told to come back."""


class Verdict(enum.Enum):
    """The result of a login attempt."""

    RIGHT = "right"
    WRONG = "wrong"
    LATER = "later"


class Passwords:
    """Checks logins against hashes and caches the results, as digests keyed with a secret of this run.

    Wrong logins are cached too: a client that keeps retrying an outdated password costs no hashing and does not use up
    its address's attempts, which would lock out other clients at that address.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right = Memory()
        self._wrong = Memory()
        self._addresses = Addresses()
        self._lock = threading.Lock()
        self._computing = threading.Lock()
        self._present = 0
        self._dear = threading.Lock()
        self._spare = Spare("password", "logins that take long to check are refused")

    def check(self, user: bytes, password: bytes, users: Mapping[bytes, bytes], address: str) -> Verdict:
        """Return whether a user in ``users`` (name to hash) has this password.

        LATER means that too many checks are running, that ``address`` has failed too often, or that it takes long.
        """
        hashed = users.get(user)
        digest = self._digest(user, password, hashed or b"")
        if known := self._known(digest):
            return known
        work = Work(password, hashed, {cost_of(each) for each in users.values()})
        with self._slot(address) as granted:
            if not granted:
                return Verdict.LATER
            with self._computing:
                if known := self._known(digest):  # another request has just checked the same login
                    return known
                right = work.quick()
                if right or not work.is_dear:
                    return self._remember(digest, address, right=right)
        return self._check_dear(work, digest, address)

    def _check_dear(self, work: Work, digest: bytes, address: str) -> Verdict:
        """Compare with a hash that takes seconds, in a thread of its own: neither workers nor quick logins wait for it.

        The client is told to come back if it takes too long; by then, the result is known.
        """
        if not self._dear.acquire(blocking=False):
            with self._lock:  # the first part has been a try
                self._addresses.note(address, right=False)
            return Verdict.LATER
        if known := self._known(digest):  # it has just been checked for another request
            self._dear.release()
            return known
        done = threading.Event()

        def compute() -> None:
            try:
                self._remember(digest, address, right=work.dear())
            finally:
                self._dear.release()
                done.set()

        if not self._spare.start(compute):
            self._dear.release()
            return Verdict.LATER
        done.wait(PATIENCE)
        return self._known(digest) or Verdict.LATER

    def _remember(self, digest: bytes, address: str, *, right: bool) -> Verdict:
        with self._lock:
            (self._right if right else self._wrong).add(digest)
            self._addresses.note(address, right=right)
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
            granted = self._present < self._addresses.places(address)
            self._present += granted
        try:
            yield granted
        finally:
            with self._lock:
                self._present -= granted


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
