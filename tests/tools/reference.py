"""The metric reference: ``python -m tests.tools.reference`` writes docs/metrics.md from the collectors.

The laptop fixture has all hardware, so every family that a collector can give is there.
"""

from __future__ import annotations

import inspect
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client import ProcessCollector

from exporter.collectors import COLLECTORS
from exporter.render.exposition import exporter_families
from tests.machines import FixtureMachine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric

REFERENCE = Path(__file__).parents[2] / "docs" / "metrics.md"
INTRO = """\
# Metrics

Every series of `/metrics`, written by `make docs` from the collectors themselves.

- All names but those of the exporter's own process begin with `host_`. Units are base units and end the name:
  `_bytes`, `_seconds`, `_celsius`.
- `_ratio` is a share from 0 to 1; multiply by 100 for percent.
- Counters, and only counters, end in `_total`; use `rate()` on them. They restart with the machine, or with the
  interface they count.
- "Since the previous sample" is over at least half a second. For a graph, `rate()` of the counter is exact over any
  time; the gauge is what the page and the terminal show.
- What a machine does not have is absent: no battery, no sensor, no swap, no load averages on Windows. An absent
  series is no failure; a failure is `host_exporter_collector_success` 0.
- Names, types and labels are a promise: they change only with a major version.
- A Prometheus server adds the labels `job` and `instance` to each series.
"""
OUTRO = """
`/metrics?collect[]=cpu&collect[]=memory` gives only the sections of those collectors, beside those of the exporter
and its process.
"""


def families() -> list[tuple[str, str, list[Metric]]]:
    """Return (title, what it is, families) of every collector, then of the exporter itself."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        laptop = FixtureMachine("laptop", Path(folder), patch)
        snapshot = laptop.later()
        thresholds = laptop.settings.thresholds()
    given = {reading.collector: list(reading.families) for reading in snapshot.readings}
    sections = [
        (each.name, inspect.getdoc(inspect.getmodule(each.read)) or "", given[each.name]) for each in COLLECTORS
    ]
    own = list(exporter_families(snapshot.readings, thresholds, snapshot.level()))
    return [*sections, ("exporter", "The thresholds of this machine, and how the exporter itself does.", own)]


def name_of(family: Metric) -> str:
    """Return the name as Prometheus has it: prometheus_client keeps that of a counter without its ending."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def labels_of(family: Metric) -> tuple[str, ...]:
    """Return the label names, in the order in which the collector gives them."""
    return tuple(next(iter(family.samples)).labels)


def reference() -> str:
    """Return docs/metrics.md."""
    process = list(ProcessCollector(registry=None).collect())
    about_process = "The exporter's own process, as prometheus_client gives it; on Linux only."
    parts = [INTRO]
    for title, what, found in [*families(), ("process", about_process, process)]:
        parts += [
            f"\n## {title}\n",
            f"\n{what}\n",
            "\n| metric | type | labels | help |\n|---|---|---|---|\n",
            *_rows(found),
        ]
    return "".join([*parts, OUTRO])


def _rows(found: Iterable[Metric]) -> Iterable[str]:
    for family in found:
        labels = ", ".join(f"`{label}`" for label in labels_of(family))
        text = family.documentation.replace("|", "\\|")
        yield f"| `{name_of(family)}` | {family.type} | {labels} | {text} |\n"


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    print(f"{REFERENCE} is rewritten")
