"""Checks on addresses and host names: whether one is a valid URL, is loopback, can be in the public DNS."""

from __future__ import annotations

import re
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST = re.compile(r"(?:\[([0-9a-f:.]+(?:%[\w.~%-]+)?)\]|([a-z0-9_.-]+))(?::([0-9]{0,5}))?", re.ASCII | re.IGNORECASE)
"""A Host header (RFC 9110, 7.2), limited to what names and addresses consist of."""

LONGEST_NAME = 253
"""Characters of a full DNS name."""

NOT_PUBLIC = (
    *(".localhost", ".local", ".home.arpa", ".internal", ".lan", ".home", ".corp", ".intranet", ".private"),
    ".localdomain",
)
"""Ends of names that the public DNS does not have (RFC 6761, 6762 with its appendix G, 8375; ICANN on .internal)."""


def is_web_address(url: str) -> bool:
    """Return whether ``url`` is an http or https URL with a host and, if it has a port, a valid one."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is not a number, brackets around something other than IPv6
        return False


def servers(urls: str) -> tuple[str, ...]:
    """Return the addresses in a comma-separated list, without a slash at the end."""
    return tuple(url.strip().rstrip("/") for url in urls.split(",") if url.strip())


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on ``host`` is reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_in(header: str) -> str | None:
    """Return the name or address in a Host header, None if malformed: lower case, no port, brackets or final dot."""
    found = _HOST.fullmatch(header)
    if found is None or int(found[3] or 0) > 65535:
        return header.lower() if ":" in header and is_address(header) else None
    if found[1]:
        return found[1].lower() if ":" in found[1] and is_address(found[1]) else None
    name = found[2].lower().removesuffix(".")
    return name if 0 < len(name) <= LONGEST_NAME and not name.startswith(".") and ".." not in name else None


def is_address(host: str) -> bool:
    """Return whether ``host`` is an IP address, also in the short forms of inet_aton such as 127.1."""
    try:
        ip_address(host)
    except ValueError:
        try:
            socket.inet_aton(host)
        except (OSError, ValueError):
            return False
    return True


def is_public_name(name: str) -> bool:
    """Return whether the public DNS could have ``name``, so that a stranger can own it."""
    return "." in name and not any(name.endswith(end) for end in NOT_PUBLIC)
