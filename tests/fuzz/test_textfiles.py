"""Textfiles of arbitrary content: each is refused in a line, or what it holds leaves the exposition valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.collectors.textfile import Textfiles, findings, metrics
from exporter.render.exposition import encode
from exporter.sources.textfile_content import backups, disks, merged
from exporter.sources.textfile_names import KNOWN
from exporter.sources.textfile_parser import parse
from exporter.sources.textfiles import Textfile
from exporter.thresholds import Threshold, Thresholds
from tests.fuzz.soundness import OPENMETRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = 1_790_000_000.0
NONE = Threshold(None, None)
NAMES = ("m", "m_total", "m_created", "m_bucket", "m_sum", "m_count", "m_info", "up", "a:b", *sorted(KNOWN))
VALUES = ("0", "1", "-1", "3.5", "NaN", "+Inf", "1e400", "0x1", "9" * 30)
LABELS = (
    "",
    '{a="x"}',
    '{a="x",}',
    '{le="1"}',
    '{quantile="0.5"}',
    '{a="\\"\\\\\\n"}',
    '{device="sda"}',
    '{a="ü\u200b"}',
)
TYPES = ("counter", "gauge", "histogram", "summary", "untyped", "info", "stateset", "nonsense")


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line that is likely to mean something, or to clash with another."""
    name = draw(st.sampled_from(NAMES))
    kind = draw(st.sampled_from(("sample", "sample", "sample", "type", "help", "any")))
    if kind == "sample":
        return f"{name}{draw(st.sampled_from(LABELS))} {draw(st.sampled_from(VALUES))}"
    if kind == "type":
        return f"# TYPE {name} {draw(st.sampled_from(TYPES))}"
    return f"# HELP {name} {draw(st.text(max_size=9))}" if kind == "help" else draw(st.text(max_size=20))


FILES = st.lists(st.lists(lines(), max_size=8).map(lambda each: "".join(f"{line}\n" for line in each)), max_size=3)


def textfile(name: str, content: bytes) -> Textfile:
    try:
        return Textfile(name, NOW, parse(content))
    except ValueError as reason:
        said = str(reason)
        assert said.isprintable(), said
        assert len(said) < 200
        return Textfile(name, NOW, error=said)


def check(files: Sequence[Textfile]) -> None:
    """Fail unless both formats can be parsed, each series is there once, and no name of ours is."""
    found, errors = merged(files, NOW)
    section = Textfiles((), disks(found), backups(found, NOW), families=found)
    assert len(list(findings(section, Thresholds(NONE, NONE, NONE)))) <= 50
    families = list(metrics(section))
    text = encode(families, "")[0].decode()
    series = [sample for family in parse_text(text) for sample in family.samples]
    assert len({(s.name, *sorted(s.labels.items())) for s in series}) == len(series), "a series occurs twice"
    assert not [s for s in series if s.name.startswith("host_") and s.name not in KNOWN]
    parse_openmetrics: Any = openmetrics.text_string_to_metric_families  # untyped
    again = list(parse_openmetrics(encode(families, OPENMETRICS)[0].decode()))
    assert sum(len(family.samples) for family in again) == len(series)
    assert set(errors) <= {file.name for file in files}


@given(FILES)
def test_files_of_likely_lines_leave_the_exposition_valid(texts: list[str]) -> None:
    check([textfile(f"{number}.prom", text.encode(errors="replace")) for number, text in enumerate(texts)])


@given(st.binary(max_size=200))
def test_a_file_of_anything_is_refused_in_a_line_or_served(content: bytes) -> None:
    check([textfile("a.prom", content)])


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram", "summary"])
def test_a_metric_of_each_type_beside_one_that_shares_its_name(kind: str) -> None:
    text = f"# TYPE m_total {kind}\nm_total 1\n# TYPE m gauge\nm 1\n# TYPE m_created gauge\nm_created 1\n"
    check([textfile("a.prom", text.encode())])
