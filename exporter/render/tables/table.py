"""A table of the terminal and the window, and its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``sample`` is the longest text expected; it sets the width.

    On a narrow terminal, columns with a ``spare`` number give way to the rest, the highest number first.
    """

    title: str
    side: Literal["left", "right"]
    sample: str
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A subject's table: each row is (key, one text per column), with a key that stays the same between samples."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    note: str = ""
