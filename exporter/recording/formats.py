"""CSV and JSON Lines: a row as a line, and what to do with a line that a crash cut off."""

from __future__ import annotations

import csv
import io
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
"""A name with its value and the comma behind it, which says that the value is whole."""


class CsvFormat:
    """RFC 4180 with a header; a line a row, since no value holds a line break."""

    flag = "--export-csv"
    header = ",".join(NAMES) + "\n"

    def line(self, values: dict[str, Value]) -> str:
        """Return a row with its line end; unknown is empty, yes and no are 1 and 0."""
        return self._row([int(value) if isinstance(value, bool) else value for value in values.values()])

    def fits(self, first: str) -> bool:
        """Return whether a file that begins with this line has our columns."""
        return first == self.header.rstrip("\n")

    def begun(self, only: str) -> bool:
        """Return whether a file that holds nothing but this, without a line end, is one of ours cut off."""
        return self.header.startswith(only)

    def close(self, cut: str) -> str:
        """Return the values of a cut line that are surely whole, all but the last, as a row; or nothing."""
        if self.header.startswith(cut):
            return self.header
        try:
            cut.encode()  # bytes that are no text are none of ours
            whole = next(csv.reader([cut]))[:-1]
        except (csv.Error, UnicodeEncodeError):
            return ""
        return self._row(whole) if whole and len(whole) < len(NAMES) else ""

    def _row(self, values: Sequence[Value]) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(values)
        return out.getvalue()


class JsonLinesFormat:
    """One JSON object a line, each with all columns; unknown is null."""

    flag = "--export-jsonl"
    header = ""
    begin = '{"time": "'

    def line(self, values: dict[str, Value]) -> str:
        """Return a row with its line end."""
        return json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"

    def fits(self, first: str) -> bool:
        """Return whether a file that begins with this line has our columns; a line once cut has the first of them."""
        names = self._names(first)
        return len(names) > 1 and names == NAMES[: len(names)]

    def begun(self, only: str) -> bool:
        """Return whether a file that holds nothing but this, without a line end, is one of ours cut off."""
        return self.fits(self.close(only)) or self.begin.startswith(only[: len(self.begin)])

    def close(self, cut: str) -> str:
        """Return the values of a cut line that are whole, as an object; nothing where there are none."""
        if self.fits(cut):
            return cut + "\n"
        end = begin = 1
        while pair := _PAIR.match(cut, begin):  # from the front: to try every comma from the end takes seconds
            end, begin = pair.end() - 1, pair.end()
        whole = cut[:end] + "}"
        return whole + "\n" if self.fits(whole) else ""

    def _names(self, line: str) -> list[str]:
        try:
            line.encode()  # bytes that are no text are none of ours
            values = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError):  # the latter: "[[[[[[..."
            return []
        return list(values) if isinstance(values, dict) else []


def _refuse(word: str) -> NoReturn:
    """Take NaN for what it is in JSON: an error. Raises ValueError."""
    raise ValueError(f"{word} is not JSON")
