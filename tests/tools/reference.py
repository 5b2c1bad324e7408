"""The metric reference: ``python -m tests.tools.reference`` generates docs/metrics.md from the collectors.

The laptop fixture has every kind of hardware, so every family that a collector can produce is included.
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

All metrics on `/metrics`. `make docs` generates this page from the collectors.

- All names start with `host_`, except those of the exporter's own process. Names end in the unit, always a base unit:
  `_bytes`, `_seconds`, `_celsius`.
- A `_ratio` ranges from 0 to 1; multiply it by 100 for percent.
- Counters, and only counters, end in `_total`; use `rate()` on them. They reset when the machine restarts, or when the
  network interface they belong to is recreated.
- "Since the previous sample" covers at least half a second. In graphs, prefer `rate()` of the counter, which is exact
  over any range; the gauge is what the page and the terminal show.
- Series for what a machine does not have are absent: no battery, no sensor, no swap, no load averages on Windows. An
  absent series is not a failure; a failure sets `host_exporter_collector_success` to 0.
- Names, types and labels are stable: they change only with a major version.
- Prometheus adds the labels `job` and `instance` to each series.
"""
OUTRO = """
`/metrics?collect[]=cpu&collect[]=memory` returns only the metrics of those collectors, along with those of the exporter
and its process.
"""


def families() -> list[tuple[str, str, list[Metric]]]:
    """Return (title, description, families) of every collector, then of the exporter itself."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        laptop = FixtureMachine("laptop", Path(folder), patch, prometheus_data="/prometheus")
        laptop.prime()
        laptop.change()
        laptop.write("proc/sys/kernel/threads-max", "500\n")  # near that limit, programs are named
        laptop.write("proc/pressure/irq", "full avg10=0.00 total=none\n")  # which nobody can count
        snapshot = laptop.sample(60)
        thresholds = laptop.settings.thresholds()
    given = {reading.collector: list(reading.families) for reading in snapshot.readings}
    sections = [
        (each.name, inspect.getdoc(inspect.getmodule(each.read)) or "", given[each.name]) for each in COLLECTORS
    ]
    own = list(exporter_families(snapshot.readings, thresholds, snapshot.level()))
    return [*sections, ("exporter", "This machine's thresholds, and the state of the exporter itself.", own)]


def name_of(family: Metric) -> str:
    """Return the name as in the exposition: prometheus_client stores a counter's without ``_total``."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def labels_of(family: Metric) -> tuple[str, ...]:
    """Return the label names in the collector's order."""
    return tuple(next(iter(family.samples)).labels)


def reference() -> str:
    """Return docs/metrics.md."""
    process = list(ProcessCollector(registry=None).collect())
    about_process = "The exporter's own process, from prometheus_client; on Linux only."
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
