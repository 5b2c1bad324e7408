"""A configuration file in YAML as sections and texts, each question answered or refused with its key."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from exporter.errors import AccessError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


@dataclass(frozen=True, slots=True)
class Known:
    """Which keys a section may have, by its path (one that is not named may have any); paths refused with a reason."""

    keys: Mapping[str, tuple[str, ...]]
    not_ours: Mapping[str, str]


LARGEST = 1024 * 1024
"""Bytes: more is no configuration of a person's. All authorities that a browser trusts are 220 KiB."""


class _Loader(yaml.BaseLoader):
    """All values are texts, as this format has nothing else; a key that stands there twice is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} stands there twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


class Section:
    """A part of the file, of which texts are asked for by their key."""

    def __init__(self, source: str, name: str, found: Any, known: Known) -> None:
        self._source, self._name, self._known = source, name, known
        if not isinstance(found, dict):
            self.refuse("", "keys with values must stand there")
        self._found = found
        accepted = known.keys.get(name)
        for key in found:
            if not isinstance(key, str):
                self.refuse("", "a key is no text; put quotes around it")
            if accepted is None or key in accepted:
                continue
            if reason := known.not_ours.get(self._path(key)):
                self.refuse(key, f"is not supported; {reason}")
            self.refuse(key, f"is not known; there are {', '.join(accepted)}")

    def _path(self, key: str) -> str:
        return ".".join(part for part in (self._name, key) if part)

    def refuse(self, key: str, reason: str) -> NoReturn:
        """Raise AccessError for a key of this section."""
        path = self._path(key)
        path = path if path.isprintable() else repr(path)
        raise AccessError(f"--web-config {self._source}: {path}{': ' if path else ''}{reason}")

    def section(self, key: str) -> Section | None:
        """Return the section under a key, None where it is not there."""
        return Section(self._source, self._path(key), self._found[key], self._known) if key in self._found else None

    def text(self, key: str, accepted: str = "a text") -> str:
        """Return the text of a key, empty where it is not there."""
        found = self._found.get(key, "")
        if not isinstance(found, str):
            self.refuse(key, f"give {accepted}")
        return found

    def one_of(self, key: str, words: tuple[str, ...], more: str = "") -> str:
        """Return the text of a key, which must be one of some words; empty where it is not there."""
        if key not in self._found:
            return ""
        found = self.text(key, _either(words))
        if found not in words:
            self.refuse(key, f"{found!r} is not accepted; give {_either(words)}{more}")
        return found

    def file(self, key: str) -> str:
        """Return a file, found from the folder of the configuration; empty where it is not given."""
        found = self.text(key, "a file")
        if key in self._found and (not found or "\0" in found):
            self.refuse(key, f"{found!r} is not accepted; give a file")
        return found and os.path.join(os.path.dirname(self._source), found)

    def names(self) -> tuple[str, ...]:
        """Return all keys."""
        return tuple(self._found)

    def any(self, key: str) -> Any:
        """Return what stands under a key, a text or not."""
        return self._found[key]


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if words[1:] else words[0]


def load(data: bytes, source: str, known: Known) -> Section:
    """Return what a file says. Raises AccessError."""
    try:
        found = yaml.load(data, _Loader)  # noqa: S506 - a BaseLoader, which makes texts, lists and mappings only
    except yaml.MarkedYAMLError as reason:
        mark = reason.problem_mark or reason.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        # Not the whole error: it quotes the line, and passwords may stand there. Nor the name of an alias: "*secret".
        words = "an alias (*) or anchor (&)" if isinstance(reason, yaml.composer.ComposerError) else reason.problem
        raise AccessError(f"--web-config {source}: {line}{words or reason.context}; give YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise AccessError(f"--web-config {source}: this is no YAML; give a text in UTF-8") from None
    return Section(source, "", found or {}, known)


def read_bytes(path: str) -> bytes:
    """Return what stands in a file. Raises OSError or ValueError, where it is none that can be read again as well."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would wait for somebody who writes
        raise ValueError("it is no file that can be read again when it changes")
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("it is larger than 1 MiB")
    return data


def words(reason: OSError | ValueError) -> str:
    """Return why a file cannot be read, without its name."""
    return getattr(reason, "strerror", None) or str(reason)
