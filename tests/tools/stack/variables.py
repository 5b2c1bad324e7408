"""Compose's variables: substitution in texts, and parsing of .env."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# What .env may contain. Trailing space after a quoted value, and comments, are skipped.
_SKIPPED = re.compile(r"(\s|#[^\n]*)*")
_ASSIGNED = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'((?:\\.|[^'\\])*)'[ \t\r]*(?:#[^\n]*)?(?:\n|$)", re.DOTALL)
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"[ \t\r]*(?:#[^\n]*)?(?:\n|$)', re.DOTALL)
_BARE = re.compile(r"([^\n]*)(?:\n|$)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
# "$$" becomes a dollar sign when variables are substituted.
_MEANINGS = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    '"': '"',
    "\\": "\\",
    "$": "$$",
}


@dataclass(frozen=True)
class Assignment:
    """One NAME=value of a .env file: the text as written, without the quotes around it, and the line it begins on."""

    name: str
    quote: str
    text: str
    line: int


def assignments(text: str) -> Iterator[Assignment]:
    """Yield what a .env file assigns, in order. Raises ValueError, with the line, for what Compose rejects.

    The message names no variable: in a password that is broken over two lines, its rest may look like one.
    """
    position = 0
    while (position := _end(_SKIPPED.match(text, position), position)) < len(text):
        line = text.count("\n", 0, position) + 1
        name = _ASSIGNED.match(text, position)
        if not name:
            raise ValueError(f".env, line {line}: not NAME=value")
        quote = text[name.end() : name.end() + 1]
        pattern = {"'": _SINGLE, '"': _DOUBLE}.get(quote)
        value = (pattern or _BARE).match(text, name.end())
        if not value:
            raise ValueError(f".env, line {line}: a quote is missing, or something follows the last one")
        yield Assignment(name[1], quote if pattern else "", value[1], line)
        position = value.end()


def read_env(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    r"""Parse a .env file.

    Not with python-dotenv, because it differs from Compose in characters that passwords contain: it leaves $NAME as it
    is, and turns \\ in single quotes into one backslash. Raises ValueError, with the line, for what Compose rejects,
    and for a few unusual forms that Compose interprets in its own way.
    """
    values: dict[str, str] = {}
    for each in assignments(text):
        try:
            # The environment takes precedence over the file, also when one value refers to another.
            values[each.name] = _meant(each.quote, each.text, {**values, **environment})
        except ValueError as reason:
            raise ValueError(f".env, line {each.line}: {reason}; single quotes keep a value unchanged") from None
    return values


def _end(found: re.Match[str] | None, otherwise: int) -> int:
    return found.end() if found else otherwise


def _meant(quote: str, text: str, variables: Mapping[str, str]) -> str:
    if quote == "'":
        return _ESCAPE.sub(lambda pair: "'" if pair[1] == "'" else pair[0], text)
    if quote == '"':
        return interpolate(_ESCAPE.sub(_escaped, text), variables)
    return interpolate(text.partition(" #")[0].rstrip(), variables)


def _escaped(pair: re.Match[str]) -> str:
    if pair[1] in "0c":
        raise ValueError(f"{pair[0]} is not supported here")
    return _MEANINGS.get(pair[1], pair[0])


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Substitute ``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:+other}``; ``$$`` is a dollar sign.

    Defaults may contain variables themselves. Raises ValueError for any other form. The message does not quote it: it
    may be part of a password.
    """
    done = ""
    rest = text
    while True:
        before, dollar, rest = rest.partition("$")
        done += before
        if not dollar:
            return done
        if rest.startswith("$"):
            done, rest = done + "$", rest[1:]
        elif rest.startswith("{"):
            inner, rest = _braces(rest)
            done += _value(inner, variables)
        elif name := _NAME.match(rest):
            done, rest = done + variables.get(name[0], ""), rest[name.end() :]
        else:
            raise ValueError("a lone dollar sign")


def _braces(text: str) -> tuple[str, str]:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[1:position], text[position + 1 :]
    raise ValueError("unclosed brace")


def _value(inner: str, variables: Mapping[str, str]) -> str:
    name = _NAME.match(inner)
    operator, other = (inner[name.end() :][:2], inner[name.end() + 2 :]) if name else ("", "")
    value = variables.get(name[0], "") if name else ""
    if name and operator == ":-":
        return value or interpolate(other, variables)
    if name and operator == ":+":
        return interpolate(other, variables) if value else ""
    if name and not operator:
        return value
    raise ValueError("unsupported form of a variable")
