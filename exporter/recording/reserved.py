"""Names that Windows does not give to files. pathlib knows them from Python 3.13 on."""

from __future__ import annotations

import ntpath

DEVICES = frozenset(
    {"CON", "CONIN$", "CONOUT$", "PRN", "AUX", "NUL"}
    | {f"{port}{number}" for port in ("COM", "LPT") for number in "123456789\u00b9\u00b2\u00b3"}
)
"""They are devices in every folder, also with an extension: CON.csv is the console."""

REFUSED = frozenset('"*:<>?|') | frozenset(map(chr, range(32)))


def reserved(path: str) -> bool:
    """Return whether Windows would open something else than the file of this name, or nothing.

    A dot or a space at the end is cut off; a colon would lead to another stream of the file.
    """
    drive, rest = ntpath.splitdrive(path)
    return drive.startswith((r"\\.", "//.")) or any(map(_is_reserved, rest.replace("\\", "/").split("/")))


def _is_reserved(name: str) -> bool:
    if name in {"", ".", ".."}:
        return False
    return name[-1] in ". " or bool(REFUSED & set(name)) or name.partition(".")[0].rstrip(" ").upper() in DEVICES
