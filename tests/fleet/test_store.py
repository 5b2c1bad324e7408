"""The long-term store: after a two-minute outage nothing is missing, and queries give the same as in Prometheus."""

from __future__ import annotations

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


def everything(pair: Pair, name: str, begin: float, end: float) -> set[tuple[str, float]]:
    """Return all the machine's samples on a server, as series and time. Several senders share them, by series."""
    query = f'{{job="host"}}[{round(end - begin)}s]'
    found = pair.ask(name, "query", query=query, time=end)["result"]
    return {
        (str(sorted(series["metric"].items())), float(moment))
        for series in found
        for moment, value in series["values"]
        if value != "NaN"
    }


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
        mine = [query for query in queries() if query.board in {"host", "fleet"}]
        given = 0
        for query in mine:
            asked = fill(query.expr, instance=pair.address("exporter") if query.board == "host" else ".+", seconds=30)
            here, there = (
                pair.ask(name, "query_range", query=asked, start=now - 15, end=now, step=5)["result"]
                for name in ("prometheus", "victoriametrics")
            )
            labels = [{tuple(sorted(series["metric"].items())) for series in found} for found in (here, there)]
            assert labels[0] == labels[1], f"{query}: {asked}"
            given += bool(here)
        print(f"{len(mine)} queries, {given} of them with figures")
        assert given > len(mine) / 2
