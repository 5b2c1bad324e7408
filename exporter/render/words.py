"""The state of the machine in words, the same on the page, in the terminal, in the window and in titles."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.collectors.processes import Processes
from exporter.render.culprits import culprits
from exporter.render.units import limit, percent
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.findings import Finding
    from exporter.model import Snapshot

MOST = 3
"""Sentences of one kind and level; more would push the figures out of sight."""
SUBJECTS = 5
"""Other subjects of a sentence that are named."""


def headline(snapshot: Snapshot) -> str:
    """Return the state in a few words: "all well", "2 critical, 1 warning", "1 alert ending"."""
    return counted(snapshot.findings()) or "all well"


def counted(found: Sequence[Finding]) -> str:
    """Return how many findings there are of each kind, in words; empty if there are none."""
    over = sum(finding.over for finding in found)
    known = [finding for finding in found if not finding.missing and not finding.over]
    counts = {level: sum(finding.level is level for finding in known) for level in (Level.CRITICAL, Level.WARNING)}
    parts = [_count(number, level) for level, number in counts.items() if number]
    if over:
        parts.append("1 alert ending" if over == 1 else f"{over} alerts ending")
    if len(known) + over < len(found):
        parts.append("figures missing")
    return ", ".join(parts)


def sentences(snapshot: Snapshot, note: Callable[[Finding], str] = lambda _: "") -> list[tuple[Finding, str]]:
    """Return a sentence for each finding, worst first: "CPU 93 % (critical at 90 %): python3 train.py 1.90 cores".

    Things that cannot be read for the same reason share one sentence, since a dead server takes down all its mounts.
    ``note`` returns what else is to be said of a finding. Beyond a few of one kind and level, the rest share a line.
    """
    processes = snapshot.section(Processes)
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for finding in snapshot.findings():
        alone = "" if finding.missing else finding.subject
        same = (finding.kind, finding.level, finding.what, finding.reason, note(finding), alone, finding.missing)
        alike.setdefault(same, []).append(finding)
    found: list[tuple[Finding, str]] = []
    groups = [_group(finding, note) for finding, *_ in alike.values()]
    sizes, seen = Counter(groups), Counter[tuple[object, ...]]()
    for group, (finding, *others) in zip(groups, alike.values(), strict=True):
        # A line that says "and 1 more" would be as long as the one it stands for.
        if sizes[group] <= MOST + 1 or seen[group] < MOST:
            text = sentence(finding, processes, [other.subject for other in others])
            found.append((finding, text + note(finding)))
        elif seen[group] == MOST:
            found.append((finding, f"and {sizes[group] - MOST} more like these" + note(finding)))
        seen[group] += 1
    return found


def sentence(finding: Finding, processes: Processes | None, others: Sequence[str] = ()) -> str:
    """Return one finding as a sentence; ``others`` are the subjects of otherwise identical findings."""
    subject = "" if finding.named or not finding.what else finding.subject
    text = " ".join(part for part in (finding.what, subject) if part)
    if finding.ratio is not None and finding.limit is not None:
        bound = f"at {limit(finding.limit)} or less" if finding.below else f"at {limit(finding.limit)}"
        text = f"{text} {percent(finding.ratio)} ({finding.level} {bound})"
    if finding.reason:
        text = f"{text} {finding.reason}".lstrip()
    if others:
        more = f" and {len(others) - SUBJECTS} more" if len(others) > SUBJECTS else ""
        text = f"{text}; the same goes for {', '.join(others[:SUBJECTS])}{more}"
    return text + culprits(finding.culprits, processes)


def _group(finding: Finding, note: Callable[[Finding], str]) -> tuple[object, ...]:
    """Return what is equal for findings of which only a few are told."""
    return finding.kind, finding.level, finding.missing, finding.over, note(finding)


def _count(number: int, level: Level) -> str:
    plural = "s" if level is Level.WARNING and number > 1 else ""
    return f"{number} {level}{plural}"
