"""A web page to draw a digit on, and a model that recognises it: an example of an application to monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from digits.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Train the model and return the application; ``settings`` default to those in the environment."""
    from digits.app import build  # noqa: PLC0415 - the health check shares this package and needs no scikit-learn

    return build(settings)
