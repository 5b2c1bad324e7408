"""Unexpected file contents: any bytes, and lines with something wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

ODD_WORDS = [
    *(b"-1", b"0", b"-0", b"nan", b"inf", b"-inf", b"1e308", b"1e999", b"0x10", b"1_000", b"1.5", b"+7"),
    *(b"4294967296", b"18446744073709551616", b"9" * 30, b"9" * 307, b"9" * 400, b"9" * 5000, "٣²".encode()),
    *(
        b"",
        b" ",
        b"\0",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\x1b[31m",
        b"\r",
        b"\n",
        b"\t",
        b"\x85",
        "\u202e\u2028".encode(),
    ),
    *(b"..", b"/", b"../../etc", b"a:b", b":", b"-", b"=", b'"', b"'", b"(", b")", b"\\", b"\\040", b"\\000", b"\\777"),
    *(b"0-99999999999", b"0-0", b"3-1", b"0,0", b"Battery", b"Discharging", b"x" * 1000, b"{", b"%", b"#", b"<script>"),
]
"""Invalid, huge and negative numbers; undecodable bytes; and words with a special meaning somewhere."""

_PIECE = re.compile(rb"(\s+)")


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A valid text in which one to three words are odd, missing or repeated, or which is cut off."""
    pieces = _PIECE.split(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(pieces) - 1))
        change = draw(st.sampled_from(("replace", "replace", "replace", "drop", "repeat", "attach", "cut")))
        if change == "replace":
            pieces[place] = draw(odd_words())
        elif change == "drop":
            pieces[place] = b""
        elif change == "repeat":
            pieces[place] *= draw(st.integers(2, 40))
        elif change == "attach":
            pieces[place] += draw(odd_words())
        else:
            whole = b"".join(pieces[: place + 1])
            pieces = [whole[: draw(st.integers(0, len(whole)))]]
    return b"".join(pieces)


def odd_words() -> st.SearchStrategy[bytes]:
    """An unexpected word."""
    return st.sampled_from(ODD_WORDS) | st.binary(max_size=20) | st.integers().map(lambda number: b"%d" % number)


def contents(good: bytes) -> st.SearchStrategy[bytes]:
    """Possible contents of a file that usually contains ``good``."""
    return damaged(good) | damaged(good) | st.binary(max_size=200) | st.sampled_from(ODD_WORDS)


def texts(
    good: str, decode: Callable[[bytes], str] = lambda raw: raw.decode(errors="replace")
) -> st.SearchStrategy[str]:
    """The same, decoded as the program decodes it."""
    return contents(good.encode()).map(decode)
