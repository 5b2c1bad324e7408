"""Takes one textfile apart: Prometheus' text format, by prometheus_client's parser, and stricter than that."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_fd_to_metric_families

from exporter.sources.host import printable
from exporter.sources.textfile_names import KNOWN, check_name, check_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric
    from prometheus_client.samples import Sample

MOST_SERIES = 2000
"""Series of one file. One costs 5 us and 300 bytes in each scrape."""

LONGEST_HELP = 500
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_NAME = re.compile(r"^[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)", re.ASCII | re.MULTILINE)

Labels = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Family:
    """The series of one name: ``kind`` is gauge, counter or unknown, ``samples`` the value of each by its labels.

    ``left_out`` is the number of series whose value is not a number or infinite.
    """

    name: str
    kind: str
    help_text: str
    samples: dict[Labels, float] = field(default_factory=dict)
    left_out: int = 0

    def claims(self) -> tuple[str, ...]:
        """Return the names that no other family may have. In OpenMetrics a counter has three."""
        base = self.name.removesuffix("_total")
        return (base, f"{base}_total", f"{base}_created") if self.kind == "counter" else (self.name,)


def parse(content: bytes) -> tuple[Family, ...]:
    """Return the families of a file. Raises ValueError with one line that says what is wrong with it.

    Left out are values that are no numbers, as a summary has without observations, and the times of creation of other
    metrics. Histograms and summaries keep their series and lose their type.
    """
    if content.startswith(MARKS):
        raise ValueError("begins with a byte order mark: save it as UTF-8 without one")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    if text and not text.endswith("\n"):
        raise ValueError("does not end with a newline: cut off, or still being written")
    written = set(_NAME.findall(text))
    found: dict[str, Family] = {}
    count = 0
    for metric in _metrics(text):
        for sample in metric.samples:
            count += 1
            if count > MOST_SERIES:
                raise ValueError(f"has more than {MOST_SERIES:,} series")
            _add(found, metric, sample, written)
    bases = {name for name in written if f"{name}_created" in found}
    bases |= {f"{each.name.removesuffix('_total')}" for each in found.values() if each.kind == "counter"}
    bases |= {name.removesuffix("_count") for name in found if name.endswith("_count")}
    return tuple(each for name, each in found.items() if not (name.endswith("_created") and name[:-8] in bases))


def _metrics(text: str) -> Iterator[Metric]:
    """Yield what the parser finds, and name the line that it cannot read."""
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in enumerate(text.split("\n"), 1):  # noqa: B007 - read below
            yield line

    source: Any = lines()
    try:
        yield from text_fd_to_metric_families(source)
    except Exception:  # noqa: BLE001 - it raises IndexError, KeyError and others; what it says quotes the line
        raise ValueError(f"line {number} is not in Prometheus' text format") from None


def _add(found: dict[str, Family], metric: Metric, sample: Sample, written: set[str]) -> None:
    # To Prometheus, an empty label is none.
    name, labels = sample.name, {label: printable(value) for label, value in sample.labels.items() if value}
    kind = metric.type if metric.type in {"gauge", "counter"} else "unknown"
    if kind == "counter" and name not in written:  # the parser adds _total, which would be another name
        name, kind = name.removesuffix("_total"), "unknown"
    check_name(name)
    if sample.timestamp is not None:
        raise ValueError(f"{name} has a timestamp; leave it out")
    known = KNOWN.get(name)
    if known and kind not in {known.kind, "unknown"}:
        raise ValueError(f"{name} is a {known.kind} and not a {kind}")
    if known:
        kind = known.kind
    value = float(sample.value)
    check_sample(name, labels, value)
    if kind == "counter" and value < 0:
        raise ValueError(f"{name} is a counter and below 0")
    help_text = printable(metric.documentation)[:LONGEST_HELP] or (known.help_text if known else "")
    family = found.setdefault(name, Family(name, kind, help_text))
    if family.kind != kind:
        raise ValueError(f"{name} has two types")
    if not isfinite(value):
        family.left_out += 1
        return
    key = tuple(sorted(labels.items()))
    if key in family.samples:
        raise ValueError(f"{name} has a series twice")
    family.samples[key] = value
