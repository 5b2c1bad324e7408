"""The names in an os-release file (os-release(5)), which is written as a shell would read it."""

from __future__ import annotations

import re

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


def parse_os_release(text: str) -> dict[str, str]:
    """Return the values by name, without what quotes them; lines that are no assignment are skipped."""
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier():
            fields[name] = _unquoted(value).strip()
    return fields


def _unquoted(value: str) -> str:
    pieces, end = [], 0
    while piece := _PIECE.match(value, end):
        kind, text = piece.lastgroup, piece[piece.lastgroup or 0]
        pieces.append(_ESCAPED.sub(r"\1", text) if kind == "double" else text)
        end = piece.end()
    rest = value[end:].strip()
    # Words without quotes, or a quote that is never closed: no shell would take it, but people write it.
    return "".join(pieces) if not rest or rest.startswith("#") else value.strip().strip("\"'")
