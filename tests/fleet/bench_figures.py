"""What the benchmark has measured for one size, and whether a server that watches so many machines holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.tools.bench_measures import percentile

LATE_MS = 1000
"""A scrape may be off its interval by so much, one in a hundred by more."""


@dataclass(frozen=True)
class Plan:
    """How long is measured, in seconds, how often each query is run, and for how many machines a past is made."""

    warm_up: float = 75
    window: float = 150
    repeats: int = 5
    room: int = 10_000
    shares: int = 1000


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rules: what its evaluation took, how often it is evaluated, and how long ago the last one was."""

    name: str
    mean: float
    longest: float
    interval: float
    ago: float

    @property
    def share(self) -> float:
        """Return the share of its interval that the longest evaluation took."""
        return self.longest / self.interval


@dataclass
class Scrapes:
    """What became of the scrapes in the window; ``away`` are those of machines that were not there to be scraped."""

    late_ms: list[float] = field(default_factory=list)
    missed: float = math.nan
    failed: float = math.nan
    away: float = math.nan
    longest_ms: list[float] = field(default_factory=list)
    length_p99: float = math.nan


@dataclass
class Store:
    """What the long-term store costs that two servers send to."""

    samples_a_second: float = math.nan
    behind: float = math.nan
    """Seconds from the last sample that was sent to now, at most."""
    lost: float = math.nan
    kept: float = math.nan
    """Samples that are left of each one that came, after the merge."""
    bytes_a_sample: float = math.nan


@dataclass
class Figures:
    """What came out for one size, nan where nothing did. Names end in the unit."""

    machines: int
    room: int = 0
    shares: int = 0
    cpu_cores: dict[str, float] = field(default_factory=dict)
    """Of each server, as the memory."""
    rss_mib: dict[str, float] = field(default_factory=dict)
    peak_mib: float = math.nan
    samples_a_second: float = math.nan
    wal_bytes_a_sample: float = math.nan
    series: float = math.nan
    kinds: dict[str, float] = field(default_factory=dict)
    """Series in the head of each kind, a machine."""
    scrapes: Scrapes = field(default_factory=Scrapes)
    groups: list[Group] = field(default_factory=list)
    rules_missed: float = math.nan
    slowest_rules: list[tuple[str, float]] = field(default_factory=list)
    query_ms: dict[str, float] = field(default_factory=dict)
    store: Store | None = None
    trouble: str = ""
    """Why there are no more figures."""

    @property
    def nearest(self) -> Group | None:
        """Return the group that is nearest its limit."""
        return max(self.groups, key=lambda group: group.share, default=None)

    def idle(self) -> list[str]:
        """Return the groups that were not evaluated in their last two intervals."""
        return [group.name for group in self.groups if not group.ago < 2 * group.interval]

    def broken(self) -> list[str]:
        """Return what did not come in its time; a figure that is not there counts as broken."""
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
        # After trouble it needs not be said of each figure that it is not there.
        rest = [what for what in said if "nan" not in what]
        return [f"no more figures: {self.trouble}", *rest] if self.trouble else said

    def holds(self) -> bool:
        """Return whether every scrape succeeded and came in its time, and every evaluation."""
        return not self.broken()
