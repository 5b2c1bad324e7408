"""What was found, one line each."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN = 60
"""Characters of a value; more of it says nothing new."""


@dataclass(frozen=True)
class Finding:
    """A fault, or a warning: what works, but hardly as meant. The text names the variable and what is accepted."""

    text: str
    wrong: bool = True

    def __str__(self) -> str:
        return f"{'wrong' if self.wrong else 'warning'}: {self.text}"


def shown(value: str) -> str:
    """Return a value in one line, as it is unless it has characters that a terminal would act on."""
    cut = value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
    return cut if cut.isprintable() else repr(cut)[1:-1]
