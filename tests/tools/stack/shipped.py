"""What docker-compose.yml says, with the variables of .env filled in as Compose does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Shipped:
    """docker-compose.yml under a set of variables."""

    document: dict[str, Any]
    variables: Mapping[str, str]

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None, root: Path = ROOT) -> Self:
        """Read the file and .env beside it; ``variables`` come before those of .env."""
        document = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
        dotenv = {name: value or "" for name, value in dotenv_values(root / ".env", interpolate=False).items()}
        return cls(document, {**dotenv, **(variables or {})})

    def config(self, name: str) -> str:
        """Return the text of an inline configuration."""
        return interpolate(self.document["configs"][name]["content"], self.variables)

    def command(self, service: str) -> list[str]:
        """Return a service's arguments."""
        return [interpolate(text, self.variables) for text in self.document["services"][service]["command"]]

    def environment(self, service: str) -> dict[str, str]:
        """Return a service's variables, whichever way they are written."""
        given = self.document["services"][service].get("environment", {})
        pairs = [text.partition("=")[::2] for text in given] if isinstance(given, list) else list(given.items())
        return {interpolate(name, self.variables): interpolate(str(value), self.variables) for name, value in pairs}

    def port(self, service: str) -> int:
        """Return the port under which a service is published."""
        published: str = self.document["services"][service]["ports"][0]
        return int(interpolate(published, self.variables).split(":")[-2])


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Fill in ``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:+other}``; ``$$`` is a dollar sign.

    Defaults may hold variables themselves. Raises ValueError for any other form.
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
            raise ValueError(f"a lone dollar sign before {rest[:20]!r}")


def _braces(text: str) -> tuple[str, str]:
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[1:position], text[position + 1 :]
    raise ValueError(f"a brace without its end: {text[:20]!r}")


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
    raise ValueError(f"a variable of a form that is not known here: {inner!r}")
