"""Every query of every panel, variable and annotation runs against a real Prometheus and returns something."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
import yaml

from grafana import machines
from tests.dashboards.boards import BOARDS, Panel, Query, fill, panels, queries, variables
from tests.dashboards.conftest import (
    BARE,
    HOT,
    MACHINES,
    NO_CRITICAL,
    NO_LIMITS,
    NO_WARNING,
    OLD,
    SILENT,
    SIX,
    WARM,
    WELL,
)
from tests.support import eventually
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from tests.dashboards.conftest import History
    from tests.tools.replay import Machine

QUERIES = queries()
SECONDS = 60
METRIC = re.compile(r"[a-zA-Z_:][\w:]*(?=\{)")

# Panels for which a machine may have no data; the simulated machines have all of it.
HARDWARE = {"Pressure", "Temperatures", "Battery", "Disk traffic", "Disk busy", "Disk operations", "Disk latency"}
HARDWARE |= {"Clock"}  # a machine need not have a time service
HARDWARE |= {"Fans", "Throttling and memory errors"}
HARDWARE |= {"Missing disks", "RAID rebuild and check", "New filesystem errors"}  # no array, no pool
HARDWARE |= {"Disk health", "Wear", "Backups"}  # nothing writes textfiles there
HARDWARE |= {"Major faults by program"}  # who has the pages that it needs waits for none
HARDWARE |= {"Memory and swap"}  # says what is free, as Linux and macOS do, or only what is available, as Windows
# Queries that return something only in one state; simulated machines are in each of these states.
# Queries that return something only if something is wrong, and what makes them return it at any time.
NOT_ALWAYS = {
    ("History on disk", "C"): ("< 2 *", "< 1e12 *"),
    ("Failing collectors", "A"): ("> 0)", ">= 0)"),
    ("Paging", "C"): (") > 0", ") >= 0"),
}
STATES = {"CPU", "Memory", "Fullest disk", "Uptime", "Alerts", "Alerts firing", "Filesystems now"}


def run(history: History, query: Query, *, instance: str, job: str = "") -> bool:
    """Return whether a query, sent as Grafana sends it, returns anything."""
    now = time.time()
    filled = fill(query.expr, job=job, instance=instance, seconds=SECONDS)
    if query.instant:
        return bool(history.instant(filled, now))
    return bool(history.range(filled, now - SECONDS, now, 15))


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_query_gives_something(history: History, query: Query) -> None:
    if (query.panel, query.ref[0]) in NOT_ALWAYS:
        expr, always = NOT_ALWAYS[query.panel, query.ref[0]]
        assert expr in query.expr
        query = replace(query, expr=query.expr.replace(expr, always))
    if re.fullmatch(r"[A-Z][2-9]", query.ref):  # what holds that place may be absent, or gone within seconds
        run(history, query, instance=".+")
        return
    if query.board != "host":
        assert run(history, query, instance=".+") or query.panel == "Alerts firing", query.expr
        return
    real = run(history, query, instance=history.exporter)
    if not real:
        assert query.panel in HARDWARE | STATES, f"the real exporter has nothing for {query.expr}"
        if (query.panel, query.ref) == ("Alerts firing", "A"):  # no alert: all simulated machines have some
            assert run(history, query, instance=history.url.removeprefix("http://"), job="prometheus"), query.expr
            return
        # A scrape that was too slow on a busy machine leaves a gap of one interval.
        machines = [f"{name}:5000" for name in ("well", "warm", "hot", "no-limits", "old")]
        eventually(lambda: any(run(history, query, instance=machine) for machine in machines), 10, query.expr)


@pytest.mark.parametrize("panel", sorted(STATES - {"Filesystems now"}))
def test_a_panel_with_a_query_for_each_state_shows_one_of_them(history: History, panel: str) -> None:
    mine = [query for query in QUERIES if query.board == "host" and query.panel == panel]
    eventually(lambda: any(run(history, query, instance=history.exporter) for query in mine), 20)


@pytest.mark.parametrize("panel", ["CPU", "Memory", "Fullest disk"])
@pytest.mark.parametrize(
    ("machine", "ref"),
    [
        ("well", "A"),
        ("warm", "B"),
        ("hot", "C"),
        ("no-warning", "C"),
        ("under", "A"),
        ("no-critical", "B"),
        ("no-limits", "D"),
    ],
)
def test_a_number_has_the_colour_of_the_machines_own_limits(
    history: History, panel: str, machine: str, ref: str
) -> None:
    mine = [query for query in QUERIES if query.board == "host" and query.panel == panel]

    def shown() -> list[str]:
        return [query.ref for query in mine if run(history, query, instance=f"{machine}:5000")]

    # A machine whose scrape has just failed has no figures.
    eventually(lambda: shown() == [ref], 20, f"{machine} is not {ref}")


@pytest.mark.parametrize(("machine", "ref"), [("", "A"), ("warm", "B"), ("hot", "C")])
def test_the_number_of_alerts_has_the_colour_of_the_worst(history: History, machine: str, ref: str) -> None:
    mine = [query for query in QUERIES if query.board == "host" and query.panel == "Alerts firing"]
    # Prometheus itself has no alert here; each of the simulated machines has one at least.
    job, instance = ("host", f"{machine}:5000") if machine else ("prometheus", history.url.removeprefix("http://"))

    def shown() -> list[str]:
        return [query.ref for query in mine if history.instant(fill(query.expr, job=job, instance=instance))]

    eventually(lambda: shown() == [ref], 60, f"{machine} is not {ref}")


@pytest.mark.parametrize("name", BOARDS)
def test_every_metric_that_is_asked_for_is_there(history: History, name: str) -> None:
    """Including those in queries that fall back to 0: after a rename these would show "OK" for ever."""
    asked = {metric for query in QUERIES if query.board == name for metric in METRIC.findall(query.expr)}
    assert len(asked) > 3
    there = set(history.ask("label/__name__/values"))
    assert asked - there == set()


TABLES = [(name, panel) for name, board in BOARDS.items() for panel in panels(board) if panel["type"] == "table"]


@pytest.mark.parametrize(
    ("name", "panel"), TABLES, ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_the_columns_of_a_table_belong_to_the_same_rows(history: History, name: str, panel: Panel) -> None:
    """Grafana's "merge" joins rows whose shared labels, including the metric's name, are all equal."""
    instance = "hot:5000" if name == "host" else ".+"

    def rows() -> dict[str, set[tuple[str, ...]]]:
        filled = {each["refId"]: fill(each["expr"], instance=instance, seconds=SECONDS) for each in panel["targets"]}
        return {ref: {tuple(sorted(one["metric"])) for one in history.instant(expr)} for ref, expr in filled.items()}

    # On a busy machine a scrape of a simulated one may fail.
    eventually(lambda: all(rows().values()), 20)
    labels = rows()
    assert all(len(kinds) == 1 or "hostname" in str(kinds) for kinds in labels.values()), labels
    own = ("hostname", "cpu_level", "memory_level", "filesystem_level")  # columns of one query each
    shared = {tuple(label for label in kinds if label not in own) for found in labels.values() for kinds in found}
    assert len(shared) == 1, labels
    assert "__name__" not in shared.pop()
    shown = {column for step in panel["transformations"] for column in step["options"].get("indexByName", {})}
    assert shown >= {f"Value #{ref}" for ref in labels}


@pytest.mark.parametrize("name", BOARDS)
def test_the_variables_list_the_machines(history: History, name: str) -> None:
    found = variables(BOARDS[name])
    jobs = _values(history, found["job"]["query"]["query"])
    assert ("app" if name == "application" else "host") in jobs
    question = found["instance"]["query"]["query"]
    if question.startswith("label_values"):
        mine = {history.application} if name == "application" else {history.exporter, "well:5000", "hot:5000"}
        assert mine <= set(_values(history, question))
        return
    assert question.startswith("query_result(")
    asked = fill(question.removeprefix("query_result(").removesuffix(")"), job="host", seconds=SECONDS)
    # A machine that has just missed the timeout of this short scrape interval is down.
    series = eventually(
        lambda: [found for found in [history.instant(asked)] if str(found).count("↓") == 1], 60, "others are down"
    )[0]
    regex = re.sub(r"\(\?<", "(?P<", found["instance"]["regex"].removeprefix("/").removesuffix("/g"))
    shown = {}
    for one in series:
        text = ", ".join(f'{label}="{value}"' for label, value in one["metric"].items())
        groups = [match.groupdict() for match in re.finditer(regex, f"{{{text}}} 1 1700000000000")]
        (label,) = [group["text"] for group in groups if group["text"]]
        (value,) = [group["value"] for group in groups if group["value"]]
        shown[label] = value
    # As Grafana sorts them: without upper case, by code points. It opens on the first.
    order = sorted(shown, key=str.lower)
    assert found["instance"]["sort"] == 5
    assert [shown[label] for label in order if label.startswith("↓")] == [shown[order[-1]]] == ["silent:5000"]
    first = history.instant(f'host_info{{instance="{shown[order[0]]}"}}')
    assert first[0]["metric"]["hostname"] == order[0], "the dashboard opens on a machine that has a name and answers"
    assert shown["hot"] == "hot:5000"
    assert history.exporter in shown.values()
    assert {name: shown[name] for name in shown if "twin" in name} == {
        "twin twin-a:5000": "twin-a:5000",
        "twin twin-b:5000": "twin-b:5000",
    }
    assert shown["↓ silent:5000"] == "silent:5000", "Fleet also links to a machine that has never answered"
    assert shown["six"] == SIX.instance
    assert len(shown) == MACHINES


def test_a_machine_is_found_by_an_address_that_is_a_pattern_too(history: History) -> None:
    load = next(query for query in QUERIES if query.board == "host" and query.panel == "Load")
    assert run(history, load, instance=SIX.instance)


def _values(history: History, question: str) -> list[str]:
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", question)
    assert found
    values: list[str] = history.ask(f"label/{found[2]}/values", **{"match[]": fill(found[1])})
    return values


@pytest.mark.parametrize("name", ["host", "stack", "application"])
def test_the_marks_of_alerts_are_there(history: History, name: str) -> None:
    now = time.time()
    shown = set()
    for mark in (one for one in BOARDS[name]["annotations"]["list"] if not one.get("builtIn")):
        expr = fill(mark["target"]["expr"], instance="hot:5000" if name == "host" else ".+")
        found = history.range(expr, now - 4 * SECONDS, now, 15)
        shown |= {one["metric"]["alertname"] for one in found}
        assert all(len(one["values"]) == 1 for one in found if one["metric"]["alertname"] == "HostHighMemory")
    if name == "host":
        assert shown >= {"HostHighMemory", "HostFilesystemFull"}
    elif name == "application":
        assert shown >= {"AppUnhandledErrors"}
    else:
        assert not shown & {"HostHighMemory", "Watchdog"}


def test_columns_that_matter_are_there_when_nothing_is_wrong(history: History) -> None:
    """Grafana leaves out a column whose query gives nothing: when no alert fires, when no filesystem fills up."""
    columns = {("Filesystems now", "E"), ("Machines", "H")}
    asked = [query for query in QUERIES if (query.panel, query.ref) in columns]
    assert len(asked) == len(columns)
    for query in asked:
        expr = fill(query.expr, instance=WELL.instance)
        eventually(partial(history.instant, expr), 20, expr)


def test_the_groups_of_rules_go_by_their_names(history: History) -> None:
    panel = [query for query in QUERIES if query.panel == "Rule duration"]
    now = time.time()
    found = [one for query in panel for one in history.range(fill(query.expr), now - SECONDS, now, 15)]
    names = {group["name"] for group in yaml.safe_load((ROOT / "alerts.yml").read_text(encoding="utf-8"))["groups"]}
    shown = {one["metric"]["rule_group"] for one in found}
    assert shown
    assert shown <= names


def test_the_graphs_of_the_fleet_name_machines_as_the_list_does(history: History) -> None:
    panel = [query for query in QUERIES if query.panel == "CPU: five highest"]
    everyone_answers(history)
    now = time.time()
    found = [history.range(fill(query.expr, seconds=SECONDS), now - SECONDS, now, 15) for query in panel]
    assert [len(one) for one in found] == [1, 1, 1, 1, 1], "a place is one machine"
    names = [one["metric"]["hostname"] for (one,) in found]
    assert len(set(names)) == len(names)
    assert set(names) >= {"hot", "no-warning", "no-critical"}
    everyone = history.instant(fill(machines.NAMES, seconds=SECONDS))
    assert {one["metric"]["hostname"] for one in everyone} >= {"well", "twin twin-a:5000", "twin twin-b:5000"}


def everyone_answers(history: History) -> None:
    """Wait until no simulated machine has missed the timeout of this short scrape interval."""
    eventually(lambda: len(history.instant('up{job="host"} == 1')) == MACHINES - 1)
    eventually(lambda: len(history.instant("instance:host_level:max")) == MACHINES - 2)  # nor does OLD say it


def test_the_worst_machine_comes_first_in_the_fleet(history: History) -> None:
    table = next(q for q in QUERIES if q.board == "fleet" and q.panel == "Machines" and q.ref == "A" and q.instant
                 and "sort_desc" in q.expr)  # fmt: skip
    everyone_answers(history)
    found = history.instant(fill(table.expr))
    order = [one["metric"]["instance"] for one in found]
    assert len(order) == MACHINES
    assert [name for name in order if name != history.exporter][:5] == [
        f"{machine.name}:5000" for machine in (SILENT, HOT, NO_WARNING, NO_CRITICAL, WARM)
    ]
    assert {one["metric"].get("hostname") for one in found} >= {"hot", "warm", "machine-07", "silent:5000"}
    scores = [float(one["value"][1]) for one in found]
    assert scores == sorted(scores, reverse=True)
    by_name = dict(zip(order, scores, strict=True))
    assert 3 <= by_name["silent:5000"] < 4
    assert 2 <= by_name["hot:5000"] < 3
    assert 1 <= by_name["warm:5000"] < 2
    assert by_name["well:5000"] < 1
    assert 1 <= by_name[OLD.instance] < 2, "a machine that does not say how it is doing is not called well"
    assert by_name[BARE.instance] == 0, "a machine is in the table whatever figures it lacks"


@pytest.mark.parametrize("machine", [NO_WARNING, NO_CRITICAL, NO_LIMITS], ids=lambda machine: machine.name)
def test_a_limit_that_is_none_leaves_out_its_lines_and_no_other_figure(history: History, machine: Machine) -> None:
    def empty(one: Machine, board: str) -> set[tuple[str, str]]:
        mine = [query for query in QUERIES if query.board == board]
        return {(query.panel, query.ref) for query in mine if not run(history, query, instance=one.instance)}

    everyone_answers(history)
    assert empty(machine, "fleet") <= empty(WELL, "fleet")
    missing = {(panel, ref) for panel, ref in empty(machine, "host") - empty(WELL, "host") if panel not in STATES}
    lines = {ref for ref, limit in (("X", machine.warning), ("Y", machine.critical)) if limit is None}
    assert missing == {(graph, ref) for graph in ("CPU by mode", "Memory and swap", "Filesystems") for ref in lines}


@pytest.mark.parametrize(("panel", "count"), [("Machines", MACHINES), ("Down", 1), ("Critical", 2), ("Warning", 3)])
def test_the_fleet_counts_machines_and_nothing_else(history: History, panel: str, count: int) -> None:
    number = next(q for q in QUERIES if q.board == "fleet" and q.panel == panel and "count" in q.expr)
    everyone_answers(history)
    (found,) = history.instant(fill(number.expr))
    real = history.instant(f'instance:host_level:max{{instance="{history.exporter}"}}')[0]["value"][1]
    mine = {"Critical": "2", "Warning": "1"}.get(panel) == real
    assert float(found["value"][1]) == count + mine


def test_the_queries_of_the_fleet_are_quick(history: History) -> None:
    """Fifty machines; the best of five runs, because this machine may be busy."""
    slow = {}
    for query in (query for query in QUERIES if query.board == "fleet"):
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            assert run(history, query, instance=".+")
            times.append(time.perf_counter() - begin)
        slow[str(query)] = min(times)
    print({name: f"{1000 * seconds:.0f} ms" for name, seconds in slow.items()})
    assert max(slow.values()) < 0.2, slow


def test_the_documents_count_the_queries() -> None:
    """Those that the tests of the fleet ask of a store and of Prometheus."""
    asked = [query for query in QUERIES if query.board in {"host", "fleet"}]
    text = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
    assert f"the {len(asked)} queries of the Host and Fleet dashboards" in text
