""".env as Compose reads it, and what its owner may not expect of that."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.tools.doctor.names import FORMER, SECRETS, VARIABLES
from tests.tools.doctor.report import Finding, without_login
from tests.tools.stack.variables import assignments, read_env

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.tools.stack.variables import Assignment

_FILLED_IN = re.compile(r"(?<!\$)(?:\$\$)*\$\{?([A-Za-z_]\w*)")
_COMPOSE = {"COMPOSE_FILE", "COMPOSE_PROFILES"}
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"


@dataclass
class Dotenv:
    """What the stack is started with: .env, and the environment, which takes precedence."""

    values: dict[str, str]
    lines: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def read(path: Path, environment: Mapping[str, str]) -> Dotenv:
    """Read the file; without one, the defaults apply. What Compose cannot read is a finding, and ends the reading."""
    outside = {name: value for name, value in environment.items() if name in {*VARIABLES, *FORMER, *_COMPOSE}}
    try:
        text = path.read_bytes().decode("utf-8-sig")
        found = list(assignments(text))
        values = {**read_env(text, environment), **outside}
    except FileNotFoundError:
        return Dotenv(outside)
    except OSError as reason:
        return Dotenv(outside, findings=[Finding(f".env: {reason.strerror}")])
    except UnicodeDecodeError:
        return Dotenv(outside, findings=[Finding(".env is not a text in UTF-8")])
    except ValueError as reason:
        return Dotenv(outside, findings=[Finding(str(reason))])
    lines = {each.name: each.line for each in found}
    return Dotenv(values, lines, [*_surprises(found, environment), *_readable(path, values)])


def _readable(path: Path, values: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a warning if others on this machine can read a password. Windows has no such modes."""
    mode = path.stat().st_mode & 0o777
    held = sorted(name for name in SECRETS if values.get(name))
    if mode & 0o077 and held and path.stat().st_mode & 0o400:
        yield Finding(f".env holds {' and '.join(held)} and has mode {mode:o}: chmod 600 .env", wrong=False)


def _surprises(found: list[Assignment], environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield values of which Compose makes something else than what is written."""
    before: dict[str, int] = {}
    for each in found:
        start = f".env, line {each.line}"
        if each.name in {*VARIABLES, *FORMER, *_COMPOSE}:  # any other may be the rest of a password
            start = f"{start}: {each.name}"
        if each.name in before:
            yield Finding(f"{start} is also set in line {before[each.name]}; the last one counts", wrong=False)
        if each.quote != "'":
            for name in dict.fromkeys(_FILLED_IN.findall(each.text.partition(" #")[0])):
                known = name in before or name in environment
                effect = "the value of that variable" if known else "nothing, because no variable has that name"
                # The rest of a password may look like a variable, also where the name of the password is misspelt.
                plain = each.name in VARIABLES and each.name not in SECRETS and without_login(each.text) == each.text
                shown = f"${name}" if plain else "what follows $"
                yield Finding(
                    f"{start}: Compose replaces {shown} by {effect}; single quotes keep the value as it is",
                    wrong=not known or each.name in SECRETS,
                )
        yield from _quotes(each, start)
        before[each.name] = each.line


def _quotes(each: Assignment, start: str) -> Iterator[Finding]:
    """Yield quotes that become part of the value, and what is cut off as a comment."""
    if each.quote:
        return
    value, cut, _ = each.text.partition(" #")
    value = value.rstrip()
    if cut and each.name in SECRETS:
        yield Finding(f"{start}: what follows ' #' is a comment; single quotes keep the value as it is", wrong=False)
    if value[:1] in set(_CURLY) or value[-1:] in {*_CURLY, "'", '"'}:
        yield Finding(f"{start}: its quotes become part of the value; give straight ones on both ends", wrong=False)
