"""Calls that may fail alone: a collector makes several, and one that fails costs only what it would have given."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from exporter.sources.host import printable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST_ERROR = 300
"""Characters: some error messages quote the whole line that could not be parsed."""


def attempt(what: str, call: Callable[[], T], missing: list[str]) -> T | None:
    """Return what ``call`` returns. If it raises, return None and add to ``missing`` what cannot be read, and why.

    A section passes ``missing`` on in a field of that name; the sampler logs it once and counts it.
    """
    try:
        return call()
    except Exception as reason:  # noqa: BLE001 - psutil raises a dozen kinds; it must cost no more than this part
        missing.append(f"no {what}: {describe(reason)}")
        return None


def describe(reason: Exception) -> str:
    """Return an exception as one line of plain text for the page, the log and the terminal."""
    text = printable(_words(reason))
    return text if len(text) <= LONGEST_ERROR else f"{text[: LONGEST_ERROR - 4]} ..."


def _words(reason: Exception) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return f"{reason.filename}: {reason.strerror}" if reason.filename else reason.strerror
    text = " ".join(str(reason).split())
    if " " in text:  # a sentence; a single word, such as the 'x' of a KeyError, needs its type to make sense
        return text
    return f"{type(reason).__name__}: {text}" if text else type(reason).__name__
