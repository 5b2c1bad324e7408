"""Search for the largest fleet that a server can handle: double the size until it fails, then bisect."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fleet.bench_figures import Figures

HALVINGS = 2
"""How often to bisect between the largest size that held and the smallest that did not."""


def search(last: Figures, measure: Callable[[int], Figures], goes_on: Callable[[], bool]) -> Iterator[Figures]:
    """Yield the figures of further sizes, starting from those of ``last``, while ``goes_on`` says so."""
    held = 0
    while last.holds() and goes_on():
        held = last.machines
        last = measure(2 * held)
        yield last
    failed = last.machines
    for _ in range(0 if last.holds() else HALVINGS):
        if not goes_on():
            return
        last = measure((held + failed) // 2)
        yield last
        if last.holds():
            held = last.machines
        else:
            failed = last.machines
