"""The kinds of values in .env. Each check returns what is accepted, or None if the value is."""

from __future__ import annotations

import re
import zoneinfo
from email.utils import getaddresses
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.address import is_web_address
from exporter.errors import SettingError
from exporter.settings import HOSTS, PERCENT, PORT, host_patterns, parse_limit

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[str], str | None]

ZONES = Path(__file__).parent / "zones.txt"
"""All zones, for machines and images without zone data. ``make docs`` writes it."""


def matching(pattern: str, accepted: str) -> Check:
    """Return a check of the whole value against a pattern."""
    return lambda value: None if re.fullmatch(pattern, value) else accepted


def anything(_value: str) -> str | None:
    """Accept any value."""
    return None


def port(value: str) -> str | None:
    """Accept a port."""
    # Compose takes no signs, spaces or underscores, which int() does.
    good = re.fullmatch("[0-9]{1,5}", value) and PORT.low <= int(value) <= PORT.high
    return None if good else PORT.words


def percent(value: str) -> str | None:
    """Accept a limit in percent, or none."""
    try:
        parse_limit("", value)
    except SettingError:
        return PERCENT.words
    return None


def folder(value: str) -> str | None:
    """Accept the whole path of a folder, or none."""
    good = value.strip().lower() == "none" or (value.startswith("/") and value.isprintable())
    return None if good else "a folder of the monitored machine (its whole path), or 'none'"


def url(value: str) -> str | None:
    """Accept an address of the web."""
    return None if is_web_address(value) else "an address that begins with http:// or https://"


def address(value: str) -> str | None:
    """Accept an IP address to publish ports on, IPv6 in brackets."""
    inner = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        good = ip_address(inner).version == 4 or inner != value
    except ValueError:
        good = False
    return (
        None
        if good
        else ("an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for all; IPv6 in brackets: [::1]")
    )


def name(value: str) -> str | None:
    """Accept a host name or an address, without anything around it."""
    try:
        good = len(host_patterns(value)) == 1 and not set(value) & set("*?, ")
    except SettingError:
        good = False
    return None if good else "a host name or an address, without http:// and without a port"


def names(value: str) -> str | None:
    """Accept a list of host names or patterns."""
    try:
        host_patterns(value)
    except SettingError:
        return HOSTS
    return None


def printable(value: str) -> str | None:
    """Accept a text of one line."""
    return None if value.isprintable() else "a name without control characters"


def mail(value: str) -> str | None:
    """Accept one address of email, with or without a name."""
    return None if mails(value) is None and len(getaddresses([value])) == 1 else "one address: you@example.org"


def mails(value: str) -> str | None:
    """Accept addresses of email."""
    found = getaddresses([value])
    good = found and all(re.fullmatch(r"[^@\s]+@[^@\s]+", address) for _, address in found)
    return None if good else "an address such as you@example.org, several separated by commas"


def zone(value: str) -> str | None:
    """Accept a time zone, or a file, as the TZ of a shell may name one; that may begin with a colon."""
    name = value.removeprefix(":")
    return None if name in zones() or name.startswith("/") else "a time zone such as Europe/Berlin or UTC"


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(zoneinfo.available_timezones()) | set(ZONES.read_text(encoding="utf-8").split())


_UNITS = r"(?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?(?:[0-9]+ms)?"
age = matching(rf"(?=.){_UNITS}", "an age such as 90d or 1y")
size = matching(r"0|(?:[0-9]+(?:\.[0-9]*)?(?:[KMGTPE]i?)?B)+", "a size such as 5GB or 512MB")
long_age = matching(r"[0-9]+(?:\.[0-9]+)?[hdwMy]?", "an age such as 3y or 100d; without a unit, months")
memory = matching(r"[0-9]+(?:\.[0-9]+)? ?(?:[kKmMgGtTpP]?[iI]?[bB]?)", "a size such as 512m or 4g, or 0 for no limit")
truth = matching("(?i:true|false|yes|no|on|off)", "true or false")
number = matching(r"[0-9]+(?:\.[0-9]+)?", "a number")
whole = matching("[0-9]+", "a whole number")
zero_or_one = matching("[01]", "0 or 1")
mount = matching("ro(?:,r?(?:slave|private|shared))?", "ro or ro,rslave")
letters = matching("[A-Za-z0-9]*", "letters and digits")
label = matching(r"[\w.-]*", "letters, digits, dots and dashes")
in_host = matching("/host/.+", "a path below /host, where the container sees this machine's files: /host/etc/...")
