"""A page on which one draws a digit, and a model that says which one it is: an application to be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from digits.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, its model trained; without ``settings`` they are those of the environment."""
    from digits.app import build  # noqa: PLC0415 - the health check shares this package and needs no scikit-learn

    return build(settings)
