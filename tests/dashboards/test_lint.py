"""The rules of grafana/dashboard-linter, and our own; each exception with its reason."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.dashboards.boards import BOARDS, Query, panels, queries, variables

EVERY_PANEL = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]
QUERIES = queries()

# Rule, dashboard, what: why.
EXCEPTIONS = {
    ("multi", "host", "job"): "shows one machine",
    ("multi", "host", "instance"): "shows one machine",
    (
        "multi",
        "application",
        "job",
    ): "all applications are in one job; the job of the exporters has none of these figures",
    ("selector", "host", "job"): "shows one machine: Grafana does not escape a single value, so it is no pattern",
    ("selector", "host", "instance"): "likewise",
    ("label_values", "host", "instance"): "the list shows the machines' names, not their addresses",
}
# Functions over a fixed window. Graphs have none, because they follow the zoom.
WINDOWS = {
    ("stack", "Rule errors"): "10m, so that it goes back to 0 when it is over",
    ("stack", "Alerts stuck"): "10m, likewise",
    ("stack", "Email errors"): "10m, likewise",
    ("application", "Exceptions"): "10m, likewise",
    ("stack", "Exporter CPU"): "5m: as it is now",
    ("application", "Requests"): "5m: as it is now",
    ("application", "Failed"): "5m: as it is now",
    ("application", "p95 latency"): "5m: as it is now",
    ("host", "Filesystems now"): "6h: as long as the alert looks back",
}
# Counters that are shown as they are.
TOTALS = {("host", "Disk health", "host_disk_media_errors_total"): "a disk is judged by all errors of its life"}
# None of which writes 0.8 as 800 thousandths; seconds have milliseconds of their own.
UNITS = {"percentunit", "bytes", "binBps", "s", "short", "celsius", "rotrpm", "suffix:/min", "suffix:packets/s"} | {
    "suffix:cores",
    "suffix:ops/s",
    "suffix:/s",
}
LINES = 5


def title(value: object) -> str | None:
    return value["title"] if isinstance(value, dict) else None


@pytest.mark.parametrize("name", BOARDS)
def test_the_variables_are_there(name: str) -> None:
    found = variables(BOARDS[name])
    assert list(found) == ["datasource", "job", "instance", "runbooks"]
    source = found["datasource"]
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")
    assert source["current"] == {"selected": True, "text": "Prometheus", "value": "prometheus"}
    for variable in (found["job"], found["instance"]):
        assert variable["type"] == "query"
        assert variable["label"]
        assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert variable["refresh"] == 2, "not refreshed when the time range changes"
        query = variable["query"]["query"]
        if ("label_values", name, variable["name"]) not in EXCEPTIONS:
            assert re.fullmatch(rf"label_values\(.+, {variable['name']}\)", query)
        if ("multi", name, variable["name"]) not in EXCEPTIONS:
            assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".+")


@pytest.mark.parametrize("name", BOARDS)
def test_nobody_can_change_it_where_it_would_be_lost(name: str) -> None:
    assert BOARDS[name]["editable"] is False


@pytest.mark.parametrize(("name", "panel"), EVERY_PANEL, ids=title)
def test_every_panel_says_what_it_shows_and_what_good_looks_like(name: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert "Good: " in panel["description"] or "Good is " in panel["description"], f"{name}: {panel['title']}"
    assert panel["description"][0].isupper()
    assert panel["description"].endswith(".")
    shown = re.sub(r"\[(\w+)\]\(\S+\)", r"\1", panel["description"])
    assert 60 < len(shown) < 400


@pytest.mark.parametrize(("name", "panel"), EVERY_PANEL, ids=title)
def test_every_panel_sets_unit_decimals_colour_and_what_stands_for_nothing(name: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS, name
    assert defaults["color"]["mode"]
    assert defaults["thresholds"]["steps"]
    if panel["type"] != "timeseries":
        assert "decimals" in defaults
        assert defaults["noValue"]
    else:
        assert defaults["custom"]["spanNulls"] is False
        assert panel["options"]["legend"]["showLegend"] is True
        assert panel["options"]["tooltip"]["mode"] == "multi"
        downwards = "negative-Y" in str(panel["fieldConfig"]["overrides"]) or "host_clock_offset" in str(
            panel["targets"]
        )
        assert ("min" in defaults) is not downwards, "values below zero would be cut off"


@pytest.mark.parametrize(("name", "panel"), EVERY_PANEL, ids=title)
def test_every_query_has_its_own_letter_source_step_and_kind(name: str, panel: dict[str, Any]) -> None:
    refs = [target["refId"] for target in panel["targets"]]
    assert refs
    assert len(refs) == len(set(refs)), name
    for target in panel["targets"]:
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert target["interval"] == "15s"
        assert bool(target.get("instant")) != bool(target.get("range"))
        assert target["legendFormat"]


@pytest.mark.parametrize(("name", "panel"), EVERY_PANEL, ids=title)
def test_no_graph_has_more_than_five_lines_unless_they_are_stacked(name: str, panel: dict[str, Any]) -> None:
    if panel["type"] != "timeseries":
        return
    stacked = panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"
    edges = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if {"id": "custom.lineWidth", "value": 0} in override["properties"]
    }
    most = sum(
        _most_lines(target)
        for target in panel["targets"]
        if target["legendFormat"] not in edges  # the edges of a band
    )
    assert stacked or most <= LINES, f"{name}: {panel['title']} may have {most} lines"


def _most_lines(target: dict[str, str]) -> int:
    expr, legend = target["expr"], target["legendFormat"]
    if "{{" not in legend or re.fullmatch(r"[A-Z]\d", target["refId"]):  # one place of a list
        return 1
    # Without @ end(), topk would choose different series at each step.
    if limits := re.findall(r"topk\((\d+), [^@]+\[\$__range\] @ end\(\)", expr):
        return sum(map(int, limits))
    # Labels with few, known values.
    return {"{{resource}}": 3, "{{integration}} sent": 2, "{{integration}} failed": 2}.get(legend, 99)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_selector_asks_for_the_chosen_machines(query: Query) -> None:
    metrics = re.findall(r"(?<![\w:])((?:instance:)?\w+(?::\w+)*)\{([^{}]*)\}", query.expr)
    assert metrics
    for metric, matchers in metrics:
        for name in ("job", "instance"):
            exactly = ("selector", query.board, name) in EXCEPTIONS
            assert f'{name}{"=" if exactly else "=~"}"${name}"' in matchers, metric
    bare = re.findall(r"(?<![\w:{])(?:host|process|prometheus|alertmanager|scrape)_\w+(?![\w{])", query.expr)
    assert not bare, f"without a selector: {bare}"


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_counters_are_shown_as_rates_over_what_one_has_zoomed_to(query: Query) -> None:
    for counter in re.finditer(r"(?<![\w:])(\w+_total)\{[^{}]*\}(?P<window>\[[^\]]*\])?", query.expr):
        if (query.board, query.panel, counter[1]) in TOTALS:
            continue
        before = query.expr[: counter.start()]
        # CPU time is revised downwards now and then, which rate() would take for a restart.
        functions = "delta" if counter[1] == "host_cpu_seconds_total" else "rate|increase"
        assert re.search(rf"({functions})\($", before), f"{counter[1]} is no rate"
    for function, window in re.findall(r"(rate|increase|delta|deriv)\([^\[\]]*\[([^\]]+)\]", query.expr):
        whole = window == "$__range" and (query.instant or f"[{window}] @ end()" in query.expr)
        chosen = query.instant and WINDOWS.get((query.board, query.panel), "").startswith(window)
        assert window == "$__rate_interval" or whole or chosen, f"{function} over {window}"


def test_every_window_is_needed() -> None:
    for (board, panel), reason in WINDOWS.items():
        window = reason.split(":")[0].split(",")[0]
        assert any(f"[{window}]" in q.expr for q in QUERIES if (q.board, q.panel) == (board, panel)), panel


def test_every_link_leads_to_one_of_our_dashboards() -> None:
    uids = {board["uid"] for board in BOARDS.values()}
    for board in BOARDS.values():
        text = str(board)
        assert set(re.findall(r"/d/(\w+)", text)) <= uids
        (link,) = board["links"]
        assert (link["type"], link["keepTime"]) == ("dashboards", True)
        assert set(link["tags"]) <= set(board["tags"])


def test_every_exception_is_needed() -> None:
    """An exception that is no longer needed would hide the next mistake."""
    host = variables(BOARDS["host"])
    assert not host["job"]["multi"]
    assert not host["instance"]["multi"]
    assert not variables(BOARDS["application"])["job"]["multi"]
    assert "label_values" not in host["instance"]["query"]["query"]
    for board, panel, counter in TOTALS:
        asked = [query.expr for query in QUERIES if (query.board, query.panel) == (board, panel)]
        assert any(re.search(rf"{counter}\{{[^}}]*\}}(?!\[)", expr) for expr in asked), counter
