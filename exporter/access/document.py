"""A YAML configuration file as sections and strings; every error names its key."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from exporter.access.yaml_text import Plain, SecondDocumentError, read_yaml
from exporter.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Known:
    """The keys each section may have, by path (unlisted sections may have any)."""

    keys: Mapping[str, tuple[str, ...]]


LARGEST = 1024 * 1024
"""Bytes of a file; real ones are far smaller. The bundle of all CAs that browsers trust is 220 KiB."""


class Section:
    """One section of the file, with accessors that validate a key's value."""

    def __init__(self, source: str, name: str, found: Any, known: Known) -> None:
        self._source, self._name, self._known = source, name, known
        if not isinstance(found, dict):
            self.refuse("", "must be a mapping of keys to values")
        self._found = found
        accepted = known.keys.get(name)
        for key in found:
            if not isinstance(key, str):
                self.refuse("", "has a key that is not a text; put it in quotes")
            if accepted is None or key in accepted:
                continue
            self.refuse(key, f"is not a known key; accepted are {', '.join(accepted)}")

    def _path(self, key: str) -> str:
        return ".".join(part for part in (self._name, key) if part)

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Raise AccessError for a key of this section."""
        path = self._path(key)
        path = path if path.isprintable() else repr(path)
        raise AccessError(f"--web-config {self._source}: {path}{': ' if path else ''}{reason}")

    def section(self, key: str) -> Section | None:
        """Return the section under a key, which may be empty; None if it is absent."""
        if key not in self._found:
            return None
        found = self._found[key]
        return Section(self._source, self._path(key), {} if found is None else found, self._known)

    def text(self, key: str, accepted: str = "a text") -> str:
        """Return the string under a key, empty if it is absent or has no value."""
        found = self._found.get(key)
        if found is None:
            return ""
        if not isinstance(found, str):
            self.refuse(key, f"give {accepted}")
        return found

    def one_of(self, key: str, words: tuple[str, ...], more: str = "") -> str:
        """Return the string under a key, which must be one of ``words``; empty if it is absent or has no value."""
        if not self.has_value(key):
            return ""
        found = self.text(key, _either(words))
        if found not in words:
            self.refuse(key, f"{found!r} is not accepted; give {_either(words)}{more}")
        return found

    def texts(self, key: str, accepted: str) -> tuple[str, ...]:
        """Return the strings of the list under a key, empty if it is absent or has no value."""
        found = self._found.get(key)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            self.refuse(key, f"give a list of {accepted}")
        return tuple(found)

    def words(self, key: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Return the list under a key, which may hold only some of the ``known`` words; empty if it is absent."""
        accepted = f"names, of {', '.join(known)}"
        found = self.texts(key, accepted)
        for each in found:
            if each not in known:
                self.refuse(key, f"{each!r} is not accepted; give a list of {accepted}")
        return found

    def flag(self, key: str, default: bool) -> bool:
        """Return the truth value under a key, in one of the spellings of YAML 1.1. No value is false, as elsewhere."""
        if key not in self._found:
            return default
        if self._found[key] is None:
            return False
        found = self.text(key, "true or false")
        if not isinstance(found, Plain) or found not in _TRUTHS:
            self.refuse(key, f"{found!r} is not accepted; give true or false, without quotes")
        return _TRUTHS[found]

    def number(self, key: str, accepted: str) -> int:
        """Return the number under a key, 0 if it is absent or has no value."""
        found = self.text(key, accepted)
        if not self.has_value(key):
            return 0
        number = found.number() if isinstance(found, Plain) else None
        if number is None:
            self.refuse(key, f"{found!r} is not accepted; give {accepted}, without quotes")
        return number

    def file(self, key: str) -> str:
        """Return a file's path, relative to the configuration's folder; empty if it is absent or empty."""
        found = self.text(key, "a file")
        if "\0" in found:
            self.refuse(key, f"{found!r} is not accepted; give a file")
        return found and os.path.join(os.path.dirname(self._source), found)

    def names(self) -> tuple[str, ...]:
        """Return all keys."""
        return tuple(self._found)

    def has_value(self, key: str) -> bool:
        """Return whether there is a value under a key."""
        return self._found.get(key) is not None

    def any(self, key: str) -> Any:
        """Return the value under a key, whatever its type."""
        return self._found[key]


_TRUTHS = {
    spelling: truth
    for word, truth in {
        "true": True,
        "yes": True,
        "on": True,
        "y": True,
        "false": False,
        "no": False,
        "off": False,
        "n": False,
    }.items()
    for spelling in (word, word.capitalize(), word.upper())
}


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if words[1:] else words[0]


def load(data: bytes, source: str, known: Known) -> Section:
    """Return a file's top-level section. Raises AccessError."""
    try:
        found = read_yaml(data)
    except SecondDocumentError:
        words = "has a second document (after --- or ...), which other exporters ignore; give one"
        raise AccessError(f"--web-config {source}: {words}") from None
    except yaml.MarkedYAMLError as reason:
        mark = reason.problem_mark or reason.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        # Not the whole error: it quotes the line, which may hold a password. Nor an alias's name, which may be one.
        problem = reason.problem or reason.context
        if isinstance(reason, yaml.composer.ComposerError):
            problem = "an alias (*) without its anchor (&)"
        raise AccessError(f"--web-config {source}: {line}{problem}; give valid YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise AccessError(f"--web-config {source}: not valid YAML; give a text file in UTF-8") from None
    return Section(source, "", {} if found is None else found, known)


def read_bytes(path: str) -> bytes:
    """Return a file's contents. Raises OSError, or ValueError if it is too large or not a regular file."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would block until it has a writer
        raise ValueError("it is not a regular file, and so cannot be reloaded")
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("it is larger than 1 MiB")
    return data
