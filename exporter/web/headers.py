"""Headers of every answer: a browser runs, frames and guesses nothing but what the page brings along itself."""

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
"""No Strict-Transport-Security: it holds for all ports of a name, and Grafana's next door speaks plain HTTP."""


def add_security(answer: Response) -> Response:
    """Give an answer of the application these headers."""
    answer.headers.extend(SECURITY)
    return answer
