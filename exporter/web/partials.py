"""Draws each subject's partial; one that fails costs its own place on the page and nothing else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from jinja2 import Environment

log = logging.getLogger("exporter")

PLACES = ("head", "card", "wide", "narrow")
"""Places on the page, from top to bottom. A partial has a macro of that name for each one it fills."""


class Partials:
    """The templates in subjects/, one per collector. ``draw`` may be called from several threads."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._failing: set[str] = set()

    def draw(self, context: dict[str, Any]) -> dict[str, Markup]:
        """Return what all subjects show in each place, in the collectors' order. Failures are logged once."""
        places = dict.fromkeys(PLACES, Markup())
        for name, section in context["sections"].items():
            if section is None:
                continue
            try:
                partial = self._environment.get_template(f"subjects/{name}.html").make_module(context)
                drawn = {place: getattr(partial, place)(section) for place in PLACES if hasattr(partial, place)}
            except MemoryError:
                raise  # a page without most of its parts would say less than a 503
            except Exception as reason:  # a template can raise anything
                if name not in self._failing:
                    log.warning("%s cannot be drawn on the page: %s: %s", name, type(reason).__name__, reason)
                    log.debug("partial %s", name, exc_info=True)
                self._failing.add(name)
            else:
                self._failing.discard(name)
                for place, markup in drawn.items():
                    places[place] += markup
        return places
