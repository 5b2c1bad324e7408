"""The benchmark's figures for one fleet size, and whether a server can keep up with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.tools.bench_measures import percentile

LATE_MS = 1000
"""Milliseconds that 99 % of scrapes may be off their interval."""


@dataclass(frozen=True)
class Plan:
    """How long to measure (seconds), how often to run each query, and for how many machines to create history."""

    warm_up: float = 75
    window: float = 150
    repeats: int = 5
    room: int = 10_000
    shares: int = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """A rule group: how long evaluations took, its interval, and how long ago the last evaluation was."""

    name: str
    mean: float
    longest: float
    interval: float
    ago: float

    @property
    def share(self) -> float:
        """Return the longest evaluation as a fraction of the interval."""
        return self.longest / self.interval


@dataclass
class Scrapes:
    """The outcome of the scrapes in the window; ``away`` counts those of machines that were down."""

    late_ms: list[float] = field(default_factory=list)
    missed: float = math.nan
    failed: float = math.nan
    away: float = math.nan
    longest_ms: list[float] = field(default_factory=list)
    length_p99: float = math.nan


@dataclass
class Store:
    """The cost of the long-term store that two servers write to."""

    samples_a_second: float = math.nan
    behind: float = math.nan
    """Maximum age of the last sample sent, in seconds."""
    lost: float = math.nan
    kept: float = math.nan
    """Fraction of the received samples that is left after the merge."""
    bytes_a_sample: float = math.nan


@dataclass
class Figures:
    """The results for one size, nan where there is none. Names end in the unit."""

    machines: int
    room: int = 0
    shares: int = 0
    cpu_cores: dict[str, float] = field(default_factory=dict)
    """Per server, like the memory."""
    rss_mib: dict[str, float] = field(default_factory=dict)
    peak_mib: float = math.nan
    samples_a_second: float = math.nan
    wal_bytes_a_sample: float = math.nan
    series: float = math.nan
    kinds: dict[str, float] = field(default_factory=dict)
    """Series in the head per machine, by kind."""
    scrapes: Scrapes = field(default_factory=Scrapes)
    groups: list[Group] = field(default_factory=list)
    rules_missed: float = math.nan
    slowest_rules: list[tuple[str, float]] = field(default_factory=list)
    query_ms: dict[str, float] = field(default_factory=dict)
    store: Store | None = None
    trouble: str = ""
    """Why figures are missing."""

    @property
    def nearest(self) -> Group | None:
        """Return the group whose evaluation is closest to its interval."""
        return max(self.groups, key=lambda group: group.share, default=None)

    def idle(self) -> list[str]:
        """Return the groups that were not evaluated in their last two intervals."""
        return [group.name for group in self.groups if not group.ago < 2 * group.interval]

    def broken(self) -> list[str]:
        """Return what failed or came late; a missing figure counts as failed."""
        late, scrapes = percentile(self.scrapes.late_ms, 0.99), self.scrapes
        slow = [group for group in self.groups if not group.share < 1]
        found = {
            f"scrapes failed: {scrapes.failed:.0f}": scrapes.failed != 0,
            f"scrapes missed: {scrapes.missed:.0f}": scrapes.missed != 0,
            f"scrapes late: p99 {late:.0f} ms": not late < LATE_MS,
            **{f'rules "{each.name}": {each.longest:.1f} of {each.interval:.0f} s': True for each in slow},
            f"evaluations missed: {self.rules_missed:.0f}": self.rules_missed != 0,
            f"not evaluated for two intervals: {', '.join(self.idle()) or 'nan'}": bool(self.idle() or not self.groups),
        }
        said = [what for what, is_so in found.items() if is_so]
        # After an error, do not list every missing figure as well.
        rest = [what for what in said if "nan" not in what]
        return [f"no more figures: {self.trouble}", *rest] if self.trouble else said

    def holds(self) -> bool:
        """Return whether all scrapes and evaluations succeeded on time."""
        return not self.broken()
