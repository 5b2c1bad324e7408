"""What was found, one line each."""

from __future__ import annotations

import re
from dataclasses import dataclass

SHOWN = 60
"""Characters of a value; more of it says nothing new."""


@dataclass(frozen=True)
class Finding:
    """A fault, or a warning: what works, but hardly as meant. The text names the variable and what is accepted."""

    text: str
    wrong: bool = True

    def __str__(self) -> str:
        return f"{'wrong' if self.wrong else 'warning'}: {self.text}"


_PLACE = re.compile(r"(?:\[[^\]@]*\]|[^:@/]*)(?::[0-9]*)?(?:[/?#].*)?", re.DOTALL)
"""What follows // where there is no user: a host, and perhaps a port and a path."""


def without_login(value: str) -> str:
    """Return a value without what may be a user and a password before an @, also where the rest is no URL.

    A password may contain / and @, and be cut off before the @ by what Compose takes for a comment.
    """
    start, slashes, rest = value.partition("//")
    if not slashes:
        before, at, host = value.rpartition("@")
        return f"...{at}{host}" if ":" in before else value
    if "@" not in rest and _PLACE.fullmatch(rest):
        return value
    _, at, host = rest.rpartition("@")
    return f"{start}//...{at}{host}" if at else f"{start}//..."


def shown(value: str) -> str:
    """Return a value in one line, without a login, and without characters that a terminal would act on."""
    value = without_login(value)
    cut = value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
    return cut if cut.isprintable() else repr(cut)[1:-1]
