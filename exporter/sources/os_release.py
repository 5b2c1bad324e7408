"""The values in an os-release file (os-release(5)), which is written as a shell would read it."""

from __future__ import annotations

import re
from functools import lru_cache

# What a value is made of: 'single' or "double" quotes, an escaped character, or anything else.
_PIECE = re.compile(
    r"""
    '(?P<single>[^']*)'
    | "(?P<double>(?:[^"\\]|\\.)*)"
    | \\(?P<escaped>.)
    | (?P<plain>[^'"\\\s]+)
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\([$\"'`\\])")


@lru_cache(maxsize=4)  # the file is read at every sample, and changes with an upgrade
def os_release(text: str, name: str) -> str:
    """Return the value assigned to a name, without what quotes it; empty if there is none."""
    value = ""
    for line in text.removeprefix("\ufeff").splitlines():
        before, equals, after = line.partition("=")
        if equals and before.strip() == name:
            value = after.strip()
    return _unquoted(value).strip()


def _unquoted(value: str) -> str:
    pieces, end = [], 0
    while piece := _PIECE.match(value, end):
        kind, text = piece.lastgroup, piece[piece.lastgroup or 0]
        pieces.append(_ESCAPED.sub(r"\1", text) if kind == "double" else text)
        end = piece.end()
    rest = value[end:].strip()
    # Words without quotes, or a quote that is never closed: no shell would take it, but people write it.
    return "".join(pieces) if not rest or rest.startswith("#") else value.strip().strip("\"'")
