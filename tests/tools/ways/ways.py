"""What a way to die is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tools.ways.machine import Machine


@dataclass(frozen=True, slots=True)
class Way:
    """One machine and the fault that it gets; ``name`` is the machine's."""

    name: str
    fault: str
    """As the table says it."""
    alert: str
    strike: Callable[[Machine], None]
    prepare: Callable[[Machine], None] = lambda _: None
    """What the machine has before: before its exporters start."""
    tick: Callable[[Machine], None] = lambda _: None
    """Called each second, from the preparation on."""
    real: bool = False
    """Whether the fault is a real one of this kernel, and not written into files as a kernel would write it."""
    processes: bool = False
    """Whether the machine's processes are this machine's."""
    from_the_start: bool = False
    """Whether the fault is there before anything watches the machine; the seconds count from the first look."""
    theirs: tuple[str, ...] = ()
    """Alerts of the other side that fire on a healthy machine too, because this fault is one of the whole kernel."""
    also: str = ""
    """Another alert that tells of it."""
    flags: tuple[str, ...] = ()
