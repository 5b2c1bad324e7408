"""Every path of the real exporter, in every format a client can request."""

from __future__ import annotations

import gzip
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from exporter.collectors import COLLECTORS
from tests.support import Exporter, Samples
from tests.tools.reference import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PATHS = ["/", "/metrics", "/api/stats", "/-/healthy", "/-/ready", "/static/page.css", "/static/page.js"]
NAMES = {collector.name for collector in COLLECTORS}


@pytest.fixture(scope="module")
def still() -> Iterator[Exporter]:
    """An exporter with one sample for this whole module, so that two responses can be compared."""
    with Exporter("--max-age", "3600") as running:
        yield running


@pytest.mark.parametrize(
    ("path", "content_type", "part"),
    [
        ("/", "text/html; charset=utf-8", "<h1>"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "# TYPE host_info gauge"),
        ("/api/stats", "application/json", '"thresholds": {'),
        ("/-/healthy", "text/plain; charset=utf-8", "alive\n"),
        ("/-/ready", "text/plain; charset=utf-8", "ready\n"),
        ("/static/page.css", "text/css; charset=utf-8", "{"),
        ("/static/page.js", "text/javascript; charset=utf-8", "refresh"),
        ("/static/ok.svg", "image/svg+xml; charset=utf-8", "<svg"),
        ("/static/warning.svg", "image/svg+xml; charset=utf-8", "<svg"),
        ("/static/critical.svg", "image/svg+xml; charset=utf-8", "<svg"),
    ],
)
def test_each_path_answers(still: Exporter, path: str, content_type: str, part: str) -> None:
    answer = still.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == content_type
    assert part in answer.text


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/stats", "/-/healthy", "/-/ready"])
def test_figures_are_never_cached(still: Exporter, path: str) -> None:
    assert still.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [{}, {"Accept": OPENMETRICS}, {"Accept-Encoding": "gzip"}])
@pytest.mark.parametrize("path", [*PATHS, "/nothing", "/metrics?collect[]=nothing"])
def test_head_is_get_without_the_body(still: Exporter, path: str, headers: dict[str, str]) -> None:
    get, head = still.get(path, headers), still.get(path, headers, method="HEAD")
    assert head.body == b""
    assert head.status == get.status
    assert len(get.body) == int(get.headers["Content-Length"])
    ours, theirs = dict(get.headers), dict(head.headers)
    del ours["Date"], theirs["Date"]
    assert theirs == ours


def test_the_text_format_parses_and_has_the_promised_names(still: Exporter) -> None:
    names = still.samples().names()
    assert {
        "host_info",
        "host_uptime_seconds",
        "host_cpu_usage_ratio",
        "host_cpu_seconds_total",
        "host_memory_usage_ratio",
        "host_processes",
        "host_top_process_cpu_cores",
        "host_alert_threshold_ratio",
        "host_exporter_collector_success",
        "host_exporter_build_info",
        "process_resident_memory_bytes",
    } <= names
    assert all(name.startswith(("host_", "process_")) for name in names)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="process_* is read from /proc")
def test_every_series_is_in_the_reference_and_all_process_series_are_exported(still: Exporter) -> None:
    documented = set(re.findall(r"^\| `(\w+)`", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    names = still.samples().names()
    assert names <= documented
    assert {name for name in documented if name.startswith("process_")} <= names


def test_openmetrics_is_sent_to_clients_that_accept_it_and_has_the_same_content(still: Exporter) -> None:
    answer = still.get("/metrics", {"Accept": OPENMETRICS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert answer.text.endswith("# EOF\n")
    families = _parse(answer.text)
    ours = {(s.name, *sorted(s.labels.items())) for family in families for s in family.samples}
    text = {(s.name, *sorted(s.labels.items())) for s in still.samples().samples}
    assert ours == text
    assert all(family.documentation for family in families)


def test_the_usual_accept_header_of_prometheus_gives_the_best_format(still: Exporter) -> None:
    accept = (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )
    answer = still.get("/metrics", {"Accept": accept, "Accept-Encoding": "gzip"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert _parse(gzip.decompress(answer.body).decode())


def test_openmetrics_is_sent_however_many_other_headers_the_sample_has_seen() -> None:
    with Exporter("--max-age", "3600") as exporter:
        for number in range(20):
            assert exporter.get("/metrics", {"Accept": f"text/plain;q=0.{number}"}).status == 200
        answer = exporter.get("/metrics", {"Accept": OPENMETRICS})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")


@pytest.mark.parametrize(
    ("accept", "zipped"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=0.5", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
    ],
)
def test_gzip_is_sent_to_clients_that_accept_it(still: Exporter, accept: str, zipped: bool) -> None:
    plain = still.get("/metrics", {"Accept-Encoding": "identity"})
    answer = still.get("/metrics", {"Accept-Encoding": accept} if accept else {})
    assert answer.headers.get("Content-Encoding") == ("gzip" if zipped else None)
    body = gzip.decompress(answer.body) if zipped else answer.body
    # The exporter's own process_* figures keep changing while the one sample stays the same.
    assert _host_lines(body.decode()) == _host_lines(plain.text)
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert "Accept" in answer.headers["Vary"].split(", ")


def _parse(text: str) -> list[Metric]:
    return list(parse_openmetrics(text))  # type: ignore[no-untyped-call]


def _host_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("host_")]


def _sections(samples: Samples) -> set[str]:
    return samples.labels("host_exporter_collector_success", "collector")


def test_collect_restricts_to_one_collector(still: Exporter) -> None:
    samples = still.samples("/metrics?collect[]=memory")
    assert _sections(samples) == {"memory"}
    rest = {name for name in samples.names() if name.startswith("host_")}
    allowed = ("host_memory_", "host_swap_", "host_exporter_", "host_alert_threshold_ratio", "host_level")
    assert not [name for name in rest if not name.startswith(allowed)]
    assert samples.value("host_memory_total_bytes") == still.samples().value("host_memory_total_bytes")


@pytest.mark.parametrize("query", ["collect[]=cpu&collect[]=system", "collect%5B%5D=system&collect%5B%5D=cpu"])
def test_collect_takes_several(still: Exporter, query: str) -> None:
    assert _sections(still.samples(f"/metrics?{query}")) == {"cpu", "system"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_collect_takes_every_collector(still: Exporter, name: str) -> None:
    assert _sections(still.samples(f"/metrics?collect[]={name}")) == {name}


def test_without_collect_all_collectors_are_there(still: Exporter) -> None:
    assert _sections(still.samples()) == NAMES


@pytest.mark.parametrize("name", ["nonsense", "CPU", "", "a%0d%0ab", "%ff%fe", "%3Cscript%3E", "x" * 3000])
def test_an_unknown_collector_is_refused_with_one_line_that_lists_the_known_ones(still: Exporter, name: str) -> None:
    for query in (f"collect[]={name}", f"collect[]=cpu&collect[]={name}"):
        answer = still.get(f"/metrics?{query}")
        assert answer.status == 400
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.text.endswith("\n")
        assert len(answer.text.splitlines()) == 1
        assert all(known in answer.text for known in NAMES)


def test_unknown_parameters_are_ignored(still: Exporter) -> None:
    assert _sections(still.samples("/metrics?name[]=x&collect=cpu")) == NAMES


def test_the_usual_machine_has_fewer_than_200_series(exporter: Exporter) -> None:
    samples = exporter.samples().samples
    assert 50 < len(samples) < 200


def test_no_series_is_duplicated_and_none_has_a_timestamp(still: Exporter) -> None:
    samples = still.samples().samples
    keys = [(sample.name, *sorted(sample.labels.items())) for sample in samples]
    assert len(keys) == len(set(keys))
    assert all(sample.timestamp is None for sample in samples)


def test_the_json_agrees_with_the_exposition(still: Exporter) -> None:
    samples, stats = still.samples(), json.loads(still.get("/api/stats").body)
    assert stats["memory"]["total_bytes"] == samples.value("host_memory_total_bytes")
    assert stats["memory"]["usage_ratio"] == samples.value("host_memory_usage_ratio")
    assert stats["cpu"]["usage_ratio"] == samples.value("host_cpu_usage_ratio")
    assert stats["system"]["hostname"] in samples.labels("host_info", "hostname")
    assert {program["name"] for program in stats["processes"]["programs"]} == samples.labels(
        "host_top_process_cpu_cores", "name"
    )


def test_the_json_has_the_documented_keys_and_hides_what_rates_need(still: Exporter) -> None:
    stats = json.loads(still.get("/api/stats").body)
    assert set(stats) == {"time", "version", "level", "findings", "levels", "thresholds", "collectors"} | NAMES
    assert "scanned" not in stats["processes"]
    assert "core_seconds" not in stats["cpu"]
