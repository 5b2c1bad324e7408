"""The live terminal view (rich), and plain lines if the output is not a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from exporter.collectors.system import System
from exporter.render.line import plain_line
from exporter.render.shares import shares
from exporter.render.tables import tables
from exporter.render.units import percent, span
from exporter.render.words import headline, sentences
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from exporter.model import Snapshot
    from exporter.render.tables.table import Table as Listing
    from exporter.thresholds import Thresholds

STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.CRITICAL: "bold red"}
LONGEST_BAR = 40
LEAST_DETAILS = 8
"""Columns: details cut shorter than this say nothing."""
LEAST_BAR = 12
"""Columns that a bar keeps where details need the room."""
GAP = 2
LONGEST_TEXT = 48
NAMES = 24
"""Columns of a table's names, if they are that long, for which other columns make room."""
LEAST_NAMES = 8
"""Columns of a table's names, if they are that long, for which even figures make room."""


class Screen:
    """A context manager that shows one snapshot after another; with ``once``, it prints one and leaves it there."""

    def __init__(self, thresholds: Thresholds, *, once: bool = False, console: Console | None = None) -> None:
        self._thresholds = thresholds
        self._console = console or Console(highlight=False)
        # A terminal that cannot move its cursor (TERM=dumb) gets plain lines, like a pipe.
        live = self._console.is_terminal and not self._console.is_dumb_terminal and not once
        self._live = Live(console=self._console, screen=True, auto_refresh=False) if live else None
        self._drawn = self._console.is_terminal and once

    @property
    def is_live(self) -> bool:
        """Whether it takes over the terminal, as opposed to printing lines or a single view."""
        return self._live is not None

    def __enter__(self) -> Self:
        """Take over the screen in live mode."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Restore the screen."""
        if self._live:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot, or print its line."""
        if self._live:
            self._live.update(view(snapshot, self._thresholds, self._console.width), refresh=True)
        elif self._drawn:
            self._console.print(view(snapshot, self._thresholds, self._console.width))
        else:
            # Bypass rich, which would wrap the line at 80 columns.
            self._console.file.write(plain_line(snapshot) + "\n")
            self._console.file.flush()


def view(snapshot: Snapshot, thresholds: Thresholds, width: int) -> RenderableType:
    """Return the full view of a snapshot for a terminal of this width."""
    parts: list[RenderableType] = [
        *_head(snapshot, width),
        *(Text(text, style=STYLES[finding.level]) for finding, text in sentences(snapshot)),
        Text(),
        *_shares(snapshot, thresholds, width),
    ]
    for table in tables(snapshot):
        parts += [Text(), _table(table, width)]
    return Group(*parts)


def _head(snapshot: Snapshot, width: int) -> list[RenderableType]:
    """Return the machine and its level on one line, or on two if they do not fit side by side."""
    left, name = Text(), 0
    if system := snapshot.section(System):
        left.append(system.hostname, style="bold")
        name = left.cell_len
        left.append(f"  {system.os}, up {span(system.uptime_seconds)}", style="dim")
    right = Text(f"● {headline(snapshot)}", style=STYLES[snapshot.level()])
    room = width - right.cell_len - 2
    if room < min(left.cell_len, name + 2):
        left.truncate(width, overflow="ellipsis")
        return [left, right]
    left.truncate(room, overflow="ellipsis", pad=True)
    return [Text.assemble(left, "  ", right)]


def _shares(snapshot: Snapshot, thresholds: Thresholds, width: int) -> Iterator[Text]:
    """Yield one line per share: its name, the figure, a bar with the thresholds marked on it, the details.

    On a narrow terminal the details are dropped first, then the bar shrinks; name and figure stay.
    """
    # Not a rich table, which shrinks all columns alike and silently cuts off what still does not fit.
    rows = list(shares(snapshot, thresholds))
    figure, gap = 5, "  "
    names = max(4, min(24, width - 13, max((cell_len(row.name) for row in rows), default=0)))
    bar = max(4, min(LONGEST_BAR, width // 3, width - names - figure - 2 * len(gap)))
    wanted = max((cell_len(row.detail) for row in rows), default=0)
    bar = min(bar, max(LEAST_BAR, width - names - figure - 3 * len(gap) - wanted))
    details = width - names - figure - bar - 3 * len(gap)
    for row in rows:
        style = STYLES[row.level] if row.limits or row.level > Level.OK else "cyan"
        share = (f"{percent(row.ratio):>{figure}}", style)
        line = Text.assemble(_cut(row.name, names), gap, share, gap, _bar(row.ratio, row.limits, style, bar))
        if details >= LEAST_DETAILS:
            line.append(gap).append_text(_cut(row.detail, details, "dim"))
        yield line


def _cut(text: str, width: int, style: str = "") -> Text:
    """Return the text padded or cut to exactly this width, ending in "…" if cut."""
    # Text, not str: rich would interpret square brackets in a mountpoint as markup.
    cut = Text(text, style=style)
    cut.truncate(width, overflow="ellipsis", pad=True)
    return cut


def _bar(ratio: float | None, limits: Iterable[float], style: str, width: int) -> Text:
    filled = round(min(1.0, max(0.0, ratio or 0.0)) * width)
    bar = Text("━" * filled, style=style) + Text("─" * (width - filled), style="dim")
    for limit in limits:
        place = min(width - 1, int(limit * width))
        bar = (
            bar[:place] + Text("╋" if place < filled else "┼", style=style if place < filled else "") + bar[place + 1 :]
        )
    return bar


def _table(listing: Listing, width: int) -> Table:
    """Return a table that fits: columns that matter less go first, then names are cut, and at last figures go."""
    columns = list(enumerate(listing.columns))
    widths = [
        min(LONGEST_TEXT, max(cell_len(text) for text in (column.title, *(texts[place] for _, texts in listing.rows))))
        for place, column in columns
    ]
    shown = [place for place, _ in columns]

    def room() -> int:
        """Return the width that is left for the names, which come first."""
        return width - sum(widths[place] + GAP for place in shown[1:])

    for place, column in sorted(columns, key=lambda each: -each[1].spare):
        if column.spare and room() < min(widths[0], NAMES):
            shown.remove(place)
    while len(shown) > 1 and room() < min(widths[0], LEAST_NAMES):
        shown.pop()
    widths[0] = max(1, min(widths[0], room()))
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="dim", pad_edge=False)
    for place in shown:
        column = listing.columns[place]
        table.add_column(column.title, justify=column.side, no_wrap=True, overflow="ellipsis", width=widths[place])
    for _, texts in listing.rows:
        # Text, not str: rich would interpret square brackets in a name as markup.
        table.add_row(*(Text(texts[place]) for place in shown))
    return table
