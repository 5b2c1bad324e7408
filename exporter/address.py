"""Checks on addresses: whether one is a valid URL, and whether one is loopback."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_web_address(url: str) -> bool:
    """Return whether ``url`` is an http or https URL with a host and, if it has a port, a valid one."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is not a number, brackets around something other than IPv6
        return False


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on ``host`` is reachable from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
