"""YAML as texts, with what this format needs to tell apart: empty values, and words and numbers without quotes.

Values are read as the YAML library of other exporters reads them, so that a file means the same here and there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

_NULL, _MERGE, _STR = (f"tag:yaml.org,2002:{name}" for name in ("null", "merge", "str"))
_PLAIN = "!plain"

_OCTAL = re.compile(r"[-+]?0o?[0-7]+")
_WHOLE = re.compile(r"[-+]?(0x[0-9a-f]+|0b[01]+|[1-9][0-9]*|0)")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?")
_BEFORE_DIGITS = re.compile(r"[-+.]*_")
_LONGEST = 40


class Plain(str):
    """A text without quotes, which may stand for a truth value or a number too."""

    __slots__ = ()

    def number(self) -> int | None:
        """Return the number it stands for, its fraction cut off; None if that is not a 64-bit one."""
        if len(self) > _LONGEST or _BEFORE_DIGITS.match(self):
            return None
        text = self.replace("_", "").lower()
        if _OCTAL.fullmatch(text):
            found = int(text.replace("o", ""), 8)
        elif _WHOLE.fullmatch(text):
            found = int(text, 0)
        elif _DECIMAL.fullmatch(text) and abs(float(text)) < 2.0**63:
            found = int(float(text))
        else:
            return None
        return found if -(2**63) <= found < 2**63 else None


class _Loader(yaml.BaseLoader):
    """Loads scalars as ``str``, ``Plain`` or None, and rejects duplicate keys, also those that a ``<<`` brings in."""

    def process_directives(self) -> Any:
        found = super().process_directives()  # type: ignore[no-untyped-call]
        if self.yaml_version not in {None, (1, 1)}:
            token: Any = self.peek_token()  # type: ignore[no-untyped-call]
            raise yaml.parser.ParserError(None, None, "a version that is not 1.1", token.start_mark)
        return found

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)  # an anchor may be set again
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode) -> str | None:  # type: ignore[override]
        if node.tag == _NULL:
            return None
        text: str = super().construct_scalar(node)
        return text if node.tag == _STR else Plain(text)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found: dict[Hashable, Any] = {}
        for key_node, value in _pairs(node):
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key that is not a text", key_node.start_mark)
            key = self.construct_object(key_node)
            if key in found:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", key_node.start_mark)
            found[key] = self.construct_object(value, deep)
        return found


_Loader.add_implicit_resolver(_NULL, re.compile(r"(~|null|Null|NULL|)$"), None)
_Loader.add_implicit_resolver(_MERGE, re.compile(r"<<$"), None)
_Loader.add_implicit_resolver(_PLAIN, re.compile(""), None)


def _pairs(node: yaml.MappingNode, *, inside: bool = False) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield keys with their values, also those that ``<<`` merges in."""
    for key, value in node.value:
        if key.tag != _MERGE:
            yield key, value
            continue
        merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
        if inside or not all(isinstance(each, yaml.MappingNode) for each in merged):
            problem = "<< takes a mapping, or a list of them, without another << inside"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        for each in merged:
            yield from _pairs(each, inside=True)


class SecondDocumentError(ValueError):
    """There is something after ``---`` or ``...``, which other exporters ignore."""


def read_yaml(data: bytes) -> Any:
    """Return a document's value. Raises YAMLError, SecondDocumentError, other ValueErrors or RecursionError."""
    # A BaseLoader creates texts, lists and mappings only.
    documents = list(yaml.load_all(data, _Loader))
    if any(each is not None for each in documents[1:]):
        raise SecondDocumentError
    return documents[0] if documents else None
