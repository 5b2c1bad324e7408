"""CSV and JSON Lines: how a row becomes a line, and how a truncated line is completed after a crash."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, NoReturn

from exporter.render.rows import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.render.rows import Value

NAMES = list(COLUMNS)

_TEXT = r'"(?:[^"\\]|\\.)*"'
_PAIR = re.compile(rf'\s*{_TEXT}\s*:\s*(?:{_TEXT}|[^\s",:\[\]{{}}]+)\s*,')
"""A name, its value and the comma that follows: only with the comma is the value known to be whole."""


_FORMULA = re.compile(r"""(^|[;\t\r\n])(?=[\s"\0\ufeff\u200b]*['=+@\uff1d\uff0b\uff20\uff0d-])""")
"""Where a cell could begin with = + - @ or a full-width form, after blanks and quotes that a spreadsheet may strip.

Within a text, too: where ";" is the list separator, as in much of Europe, a spreadsheet cuts at it even between quotes.
Apostrophes count as well, so that whoever reads the file can remove ours and no others.
"""

_QUOTED = re.compile(r'[",;\t\r\n]')
"""Texts with one of these are quoted: also with what separates cells elsewhere, at which Python's csv does not look."""


def harmless(text: str) -> str:
    """Return a text with an apostrophe before whatever a spreadsheet would run as a formula."""
    return _FORMULA.sub(r"\1'", text)


class CsvFormat:
    """RFC 4180 with a header; one line per row, since no value contains a line break."""

    flag = "--export-csv"
    header = ",".join(NAMES) + "\n"

    def line(self, values: dict[str, Value]) -> str:
        """Return a row as a line; unknown values are empty, booleans are 1 and 0, and no text is a formula."""
        return self._row([harmless(value) if isinstance(value, str) else value for value in values.values()])

    def fits(self, first: str) -> bool:
        """Return whether a file whose first line this is has our columns."""
        return first == self.header.rstrip("\n")

    def begun(self, only: str) -> bool:
        """Return whether a file with only this unterminated line was started by us and then truncated."""
        return self.header.startswith(only)

    def close(self, cut: str) -> str:
        """Return the values of a truncated line that are certainly whole (all but the last) as a row, or ""."""
        if self.header.startswith(cut):
            return self.header
        try:
            cut.encode()  # we write valid UTF-8 only
            whole = next(csv.reader([cut]))[:-1]
        except (csv.Error, UnicodeEncodeError):
            return ""
        return self._row(whole) if whole and len(whole) < len(NAMES) else ""

    def _row(self, values: Sequence[Value]) -> str:
        return ",".join(map(_cell, values)) + "\n"


class JsonLinesFormat:
    """One JSON object per line, with all columns in each; unknown values are null."""

    flag = "--export-jsonl"
    header = ""
    begin = '{"time": "'

    def line(self, values: dict[str, Value]) -> str:
        """Return a row as a line."""
        return json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"

    def fits(self, first: str) -> bool:
        """Return whether a file whose first line this is has our columns; a once truncated line has the first few."""
        names = self._names(first)
        return len(names) > 1 and names == NAMES[: len(names)]

    def begun(self, only: str) -> bool:
        """Return whether a file with only this unterminated line was started by us and then truncated."""
        return self.fits(self.close(only)) or self.begin.startswith(only[: len(self.begin)])

    def close(self, cut: str) -> str:
        """Return the whole values of a truncated line as an object, or "" if there are none."""
        if self.fits(cut):
            return cut + "\n"
        end = begin = 1
        while pair := _PAIR.match(cut, begin):  # from the front: trying every comma from the end takes seconds
            end, begin = pair.end() - 1, pair.end()
        whole = cut[:end] + "}"
        return whole + "\n" if self.fits(whole) else ""

    def _names(self, line: str) -> list[str]:
        try:
            line.encode()  # we write valid UTF-8 only
            values = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError):  # RecursionError: "[[[[[[..."
            return []
        return list(values) if isinstance(values, dict) else []


def _cell(value: Value) -> str:
    """Return a value as a cell, in quotes if need be."""
    if value is None:
        return ""
    text = str(int(value) if isinstance(value, bool) else value)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _refuse(word: str) -> NoReturn:
    """Raise ValueError: Python's parser accepts NaN and Infinity, but JSON does not have them."""
    raise ValueError(f"{word} is not JSON")
