"""Bcrypt hashes: which are accepted, what comparing costs, and how a wrong password costs the same for all users."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST = 72
"""Bytes of a password that bcrypt uses. This library rejects longer ones; others ignore the rest."""

COSTLIEST = 18
"""At cost 10 a comparison takes 0.07 s, at 18 twenty seconds; each step doubles the time."""

QUICK = 12
"""The highest cost of a hash that a request can wait for: 0.3 s."""

USUAL = 10
"""The cost that htpasswd and other programs are told to use; less is quick to guess once the hash is known."""

_SAMPLE = 6
"""The cost that is timed to tell what others take."""

_HASH = re.compile(r"\$2[a-z]?\$([0-9]{2}\$[./A-Za-z0-9]{53})")
"""As in other exporters, the letter makes no difference: they all compute what ``b`` stands for."""


class BadHashError(ValueError):
    """A value that is not a usable hash. The message never contains the value, which may be a password."""


def check_hash(value: Any) -> bytes:
    """Return a bcrypt hash as bytes, with the letter ``b``. Raises BadHashError."""
    example = "as printed by htpasswd -nBC 10 (value not shown, it may be a password)"
    found = _HASH.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise BadHashError(
            f"the value is not a bcrypt hash; give $2y$ or another letter, two digits, $ and 53 characters, {example}"
        )
    cost, salt = found[1][:2], found[1][3:25]
    if not 4 <= int(cost) <= COSTLIEST:
        raise BadHashError(f"the hash has cost {cost}; give 04 to {COSTLIEST}, {USUAL} is usual")
    try:  # check the salt, at the lowest cost
        bcrypt.hashpw(b"", b"$2b$04$" + salt.encode())
    except ValueError:
        raise BadHashError(f"the value is not a bcrypt hash, its salt is invalid; give one {example}") from None
    return b"$2b$" + found[1].encode()


class Work:
    """The comparisons for one login, in two parts: one that takes 0.3 s at most, and one for hashes that take longer.

    A wrong password takes each part the same work whatever the user, known or not, or names could be told by the time
    that it takes. A right one with a quick hash takes no longer than that. ``hashed`` is None for an unknown user.
    """

    def __init__(self, password: bytes, hashed: bytes | None, costs: Collection[int]) -> None:
        self._password, self._hashed = password, hashed
        self._quick = [cost for cost in costs if cost <= QUICK]
        self._dear = [cost for cost in costs if cost > QUICK]

    @property
    def is_dear(self) -> bool:
        """Whether there is a second part, unless the first finds the password right."""
        return bool(self._dear)

    def quick(self) -> bool:
        """Do the first part, and return whether the password is right."""
        return self._compare(self._quick)

    def dear(self) -> bool:
        """Do the second part, and return whether the password is right."""
        return self._compare(self._dear)

    def _compare(self, costs: list[int]) -> bool:
        most = max(costs, default=0)
        own = cost_of(self._hashed) if self._hashed else 0
        if own not in costs:
            if most:
                matches(self._password, _dummy(most))
            return False
        if self._hashed and matches(self._password, self._hashed):
            return True
        for cost in range(own, most):  # 2^own + 2^own + 2^(own+1) + ... + 2^(most-1) = 2^most
            matches(self._password, _dummy(cost))
        return False


def cost_of(hashed: bytes) -> int:
    """Return a hash's cost; each step doubles the time."""
    return int(hashed[4:6])


def matches(password: bytes, hashed: bytes) -> bool:
    """Return whether a password has this hash; only its first 72 bytes count, as in other bcrypt implementations."""
    return bcrypt.checkpw(password[:LONGEST], hashed)


def seconds_of(cost: int) -> float:
    """Return about how long a comparison at a cost takes here. Costs 5 ms itself."""
    began = time.perf_counter()
    matches(b"", _dummy(_SAMPLE))
    return (time.perf_counter() - began) * 2.0 ** (cost - _SAMPLE)


def _dummy(cost: int) -> bytes:
    """Return a hash of that cost that no password has."""
    return b"$2b$%02d$" % cost + b"." * 53
