"""Figures for people: bytes, shares and times are written the same way on the page and in the terminal."""

from __future__ import annotations

import re
from math import floor

from exporter.findings import degrees

UNKNOWN = "\N{EN DASH}"
SPACE = "\u00a0"  # keeps a figure and its unit on one line
STEP = 1024
NO_LIMIT = 2**60  # what the kernel says if there is to be none is a little less than 2**63
CLOSE = 1e-6  # in floating point, 0.29 * 100 is slightly less than 29


def unbroken(text: str) -> str:
    """Return a text in which no line break parts a figure from its unit."""
    return re.sub(r"(?<=\d) (?=%|(?:[KMGTPE]?i?B|cores|°C)\b)", SPACE, text)


def percent(ratio: float | None, digits: int = 0) -> str:
    """Return a ratio (0-1) as "93 %", rounded down: "90 %" appears only once a limit of 90 % is reached."""
    if ratio is None:
        return UNKNOWN
    scale = 10**digits
    value = floor(ratio * 100 * scale + CLOSE) / scale
    return f"{value:.{digits}f}{SPACE}%"


def limit(ratio: float) -> str:
    """Return a threshold (0-1) as it was set: "90 %", "92.5 %"."""
    return f"{round(ratio * 100, 6):g}{SPACE}%"


def size(count: float | None) -> str:
    """Return bytes as "12.1 GiB"; three digits are enough for a comparison."""
    if count is None:
        return UNKNOWN
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(value) < 999.5 or unit == "PiB":
            break
        value /= STEP
    digits = 0 if unit == "B" or abs(value) >= 99.95 else 1
    return f"{value:.{digits}f}{SPACE}{unit}"


def rate(per_second: float | None) -> str:
    """Return bytes per second as "1.2 MiB/s"."""
    return UNKNOWN if per_second is None else f"{size(per_second)}/s"


def link_speed(bytes_per_second: float | None) -> str:
    """Return a link's speed the way the box states it: "1 Gbit/s"."""
    if not bytes_per_second:
        return UNKNOWN
    megabits = bytes_per_second * 8 / 1e6
    return f"{megabits / 1000:g}{SPACE}Gbit/s" if megabits >= 1000 else f"{megabits:g}{SPACE}Mbit/s"


def span(seconds: float | None, most: int = 2) -> str:
    """Return a duration in its largest units, at most ``most`` of them: "3 d 4 h", "12 min 5 s"."""
    if seconds is None:
        return UNKNOWN
    left = int(seconds)
    parts: list[str] = []
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        if count or parts or unit == "s":
            parts.append(f"{count}{SPACE}{unit}")
        if len(parts) == most:
            break
    return " ".join(parts)


def wait(seconds: float | None) -> str:
    """Return a short time: "0.3 ms", "12 ms", "1.2 s"."""
    if seconds is None:
        return UNKNOWN
    if seconds >= 0.9995:
        return f"{seconds:.1f}{SPACE}s"
    digits = 1 if seconds < 0.00995 else 0
    return f"{seconds * 1000:.{digits}f}{SPACE}ms"


def whole(value: float | None) -> str:
    """Return a count."""
    return UNKNOWN if value is None else f"{value:.0f}"


def used_of(used: float | None, most: float | None) -> str:
    """Return a count and its limit: "2295 of 262144"; what cannot ever be reached is no limit."""
    if most is None:
        return whole(used)
    return f"{whole(used)} of {whole(most)}" if most < NO_LIMIT else f"{whole(used)}, no limit"


def celsius(value: float | None) -> str:
    """Return a temperature without its unit, as in findings."""
    return UNKNOWN if value is None else degrees(value)


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a fixed number of decimals."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"
