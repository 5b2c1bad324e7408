"""What clients' addresses have done so far, and so how many places a login from one of them may compete for.

One comparison is computed at a time, and only so many logins may wait for it. Somebody who tries passwords from many
addresses takes the places of those that have sent wrong ones; the others stay free for a scraper.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import TypeVar

ATTEMPTS = 10
"""Wrong passwords that one address may try in a row; after that, one every ``REFILL`` seconds."""
REFILL = 5.0
REMEMBERED = 10_000
"""Addresses of each kind that are remembered; the least recently seen one is evicted."""
SUSPECTED = 3600.0
"""Seconds for which a wrong password is held against an address."""

TRUSTED = 4
"""Logins that may be computed or wait when another one begins, if its address has sent a right password before."""
UNKNOWN = 3
"""The same for an address that has sent none. The server has six workers."""
NEAR = 2
"""The same for one that has sent none, while others of its network have sent wrong ones."""
SUSPECT = 1
"""The same for one that has sent a wrong password."""

_NEIGHBOURS = {4: 24, 6: 48}
"""The network of a home, a company or a customer of a cloud: one attacker can have all of its addresses."""

T = TypeVar("T")


class Addresses:
    """Remembers addresses, or networks that count as one. Not thread-safe."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._networks: OrderedDict[str, float] = OrderedDict()
        self._right: OrderedDict[str, None] = OrderedDict()

    def places(self, address: str) -> int:
        """Return at how many logins, this one included, one from here may still begin; 0 if it has failed too often."""
        if self._tries_left(address) < 1:
            return 0
        if address in self._right:
            return TRUSTED
        now = time.monotonic()
        if address in self._tries and now - self._tries[address][1] < SUSPECTED:
            return SUSPECT
        return NEAR if now - self._networks.get(_network(address), float("-inf")) < SUSPECTED else UNKNOWN

    def note(self, address: str, *, right: bool) -> None:
        """Remember what an address has sent."""
        if right:
            _put(self._right, address, None)
        else:
            now = time.monotonic()
            _put(self._tries, address, (self._tries_left(address) - 1, now))
            _put(self._networks, _network(address), now)

    def _tries_left(self, address: str) -> float:
        left, since = self._tries.get(address, (float(ATTEMPTS), 0.0))
        return min(ATTEMPTS, left + (time.monotonic() - since) / REFILL)


def _put(seen: OrderedDict[str, T], address: str, value: T) -> None:
    seen[address] = value
    seen.move_to_end(address)
    if len(seen) > REMEMBERED:
        seen.popitem(last=False)


def _network(address: str) -> str:
    """Return the network that an address, or a smaller network, belongs to."""
    try:
        found = ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, _NEIGHBOURS[found.version]), strict=False))
