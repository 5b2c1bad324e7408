"""The long-term store: after a two-minute outage nothing is missing, and queries give the same as in Prometheus."""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.dashboards.boards import fill, queries
from tests.fleet.asking import ALIVE, make_pair, stored
from tests.support import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet.pair import Pair

SERVERS = ("prometheus", "victoriametrics")
TOPK = re.compile(r"(\btopk(?: by \([^)]*\) )?)\((\d+), ")


def everything(pair: Pair, name: str, begin: float, end: float, of: str = 'job="host"') -> set[tuple[str, float]]:
    """Return the samples of a selector on a server, as series and time. Several senders share them, by series.

    Of two samples within one second, the last, because the store keeps no other: on a busy machine a scrape may be so
    late that the next one follows in the same second.
    """
    query = f"{{{of}}}[{round(end - begin)}s]"
    found = pair.ask(name, "query", query=query, time=end)["result"]
    kept: dict[tuple[str, int], float] = {}
    for series in found:
        for moment, value in series["values"]:
            if value != "NaN":
                kept[str(sorted(series["metric"].items())), math.ceil(float(moment))] = float(moment)
    return {(series, moment) for (series, _), moment in kept.items()}


@pytest.mark.timeout(500)
def test_the_store_is_down_for_two_minutes_and_has_everything_afterwards(tmp_path: Path) -> None:
    with make_pair(tmp_path, without=["prometheus-b", "alertmanager-b"]) as pair:
        eventually(lambda: pair.ask("victoriametrics", "query", query=ALIVE)["result"], 60, "nothing is stored")
        begin = time.time() + 1
        time.sleep(5)
        store = pair.servers["victoriametrics"]
        down = time.time()
        store.stop()
        mail = pair.mailbox.wait("long-term store is", 110)
        print(f"said after {mail.time - down:.0f} s: {mail.subject}")
        time.sleep(max(0.0, down + 120 - time.time()))
        end = time.time() - 1
        store.start()
        store.wait()
        assert len(stored(pair, "prometheus", ALIVE, begin, end)) > 100
        here = everything(pair, "prometheus", begin, end)

        def missing() -> list[tuple[str, float]]:
            there = everything(pair, "victoriametrics", begin, end)
            return sorted((series, round(moment - down, 1)) for series, moment in here - there)

        with suppress(AssertionError):
            eventually(lambda: not missing(), 90)
        assert missing() == [], "seconds after the store went down of samples that it does not have"
        print(f"stored again: {len(here)} samples, none missing, {time.time() - end:.0f} s after the end")
        pair.mailbox.wait("[RESOLVED]", 60)


@pytest.mark.timeout(300)
def test_the_dashboards_show_the_same_from_the_store(tmp_path: Path) -> None:
    """Queries give the same results there: Grafana's data source is one variable."""
    with make_pair(tmp_path, without=["prometheus-b", "alertmanager-b"]) as pair:
        pair.mailbox.wait("Memory", 90)
        time.sleep(15)
        now = time.time() - 4
        # The sender is seconds behind on a busy machine: the store must have the last quarter of a minute whole.
        eventually(lambda: not lacking(pair, now - 15, now), 60, "the store lacks samples that Prometheus has")
        mine = [query for query in queries() if query.board in {"host", "fleet"}]
        given = 0
        for query in mine:
            asked = fill(query.expr, instance=pair.address("exporter") if query.board == "host" else ".+", seconds=30)
            here, there = (labels(pair, name, asked, now) for name in SERVERS)
            if here != there and tied(pair, asked, now):
                assert len(here) == len(there), f"{query}: {asked}"
                here, there = (labels(pair, name, TOPK.sub(r"\1(1000, ", asked), now) for name in SERVERS)
            assert here == there, f"{query}: {asked}"
            given += bool(here)
        print(f"{len(mine)} queries, {given} of them with figures")
        assert given > len(mine) / 2


def lacking(pair: Pair, begin: float, end: float) -> set[tuple[str, float]]:
    """Return the samples of any series that Prometheus has and the store does not have yet."""
    here, there = (everything(pair, name, begin, end, '__name__=~".+"') for name in SERVERS)
    return here - there


def labels(pair: Pair, name: str, query: str, now: float) -> set[tuple[tuple[str, str], ...]]:
    """Return the labels of the series that a server gives for the last quarter of a minute.

    Without those of nothing but NaN, which hold the place of a column: VictoriaMetrics leaves them out.
    """
    found = pair.ask(name, "query_range", query=query, start=now - 15, end=now, step=5)["result"]
    known = [series for series in found if any(value != "NaN" for _, value in series["values"])]
    return {tuple(sorted(series["metric"].items())) for series in known}


def tied(pair: Pair, query: str, now: float) -> bool:
    """Return whether a topk of a query cuts between equal figures: each server may then keep another one of them."""
    for found in TOPK.finditer(query):
        ranked = query[found.end() : closing(query, found.end())].replace("@ end()", f"@ {now:.3f}")
        series = pair.ask("prometheus", "query", query=ranked, time=now)["result"]
        figures = sorted((float(one["value"][1]) for one in series), reverse=True)
        count = int(found[2])
        if len(figures) > count and figures[count - 1] == figures[count]:
            return True
    return False


def closing(text: str, begin: int) -> int:
    """Return where the bracket is closed that was opened just before a place."""
    depth = 1
    for place in range(begin, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    raise ValueError(text)


def test_a_tie_is_seen() -> None:
    class Answers:
        def ask(self, _name: str, _path: str, query: str, **_: object) -> dict[str, list[dict[str, list[object]]]]:
            asked.append(query)
            return {"result": [{"value": [0, figure]} for figure in ("1", "3", "1", "2")]}

    asked: list[str] = []
    query = 'a{x="$y"} and on (b) (topk({}, max_over_time(a[9s] @ end())) or topk by (job) (1, b))'
    verdicts = [tied(Answers(), query.replace("{}", count), 5) for count in "1234"]  # type: ignore[arg-type]
    assert verdicts == [False, False, True, False]
    assert set(asked) == {"max_over_time(a[9s] @ 5.000)", "b"}
