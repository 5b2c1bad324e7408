"""Security headers of every response: the browser loads only the page's own files, and does no framing or sniffing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Response

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
}
"""No Strict-Transport-Security: it applies to all ports of a hostname, and Grafana beside us speaks plain HTTP."""


def add_security(answer: Response) -> Response:
    """Add these headers to a response of the application."""
    answer.headers.extend(SECURITY)
    return answer
