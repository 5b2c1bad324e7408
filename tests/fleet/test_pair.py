"""More than one server: one of each is killed while an alert fires; there is one mail, and nothing is missing."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.dashboards.boards import fill, queries
from tests.fleet.pair import Pair, shipped
from tests.stack.support import ALERT, eventually, without_cpu
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

QUIET = {"FILESYSTEM_WARNING": "99.98", "FILESYSTEM_CRITICAL": "99.99", "MACHINE_NAME": "web-01"}
ALIVE = 'host_uptime_seconds{job="host"}'
INTERVAL = 1.0


def shorter(name: str, text: str) -> str:
    """Return a configuration in a fifteenth of its time, alerts and the store included."""
    return without_cpu(name, text).replace("Interval=15s", "Interval=1s").replace("Offset=15s", "Offset=1s")


def make_pair(folder: Path, without: Collection[str] = ()) -> Pair:
    return Pair(folder, {**QUIET, **ALERT}, edit=shorter, without=without)


def stored(pair: Pair, name: str, expression: str, begin: float, end: float) -> list[float]:
    """Return when the samples were taken that a server has of one series, in order."""
    seconds = round(end - begin)
    found = pair.ask(name, "query", query=f"{expression}[{seconds}s]", time=end)["result"]
    assert len(found) <= 1, f"both are stored: {[series['metric'] for series in found]}"
    return [float(moment) for series in found for moment, _ in series["values"]]


def gap(times: list[float]) -> float:
    """Return the longest time without a sample, in seconds."""
    return max(later - earlier for earlier, later in pairwise(times))


def subjects(pair: Pair, text: str) -> list[str]:
    return [mail.subject for mail in pair.mailbox.mails if text in mail.subject]


@pytest.mark.timeout(400)
def test_one_of_each_is_killed_while_an_alert_fires(tmp_path: Path) -> None:
    with make_pair(tmp_path) as pair:
        pair.mailbox.wait("Memory", 90)
        begin = time.time()
        time.sleep(25)  # who sends second waits 15 s; then its mail would be there
        assert len(subjects(pair, "Memory")) == 1
        pair.servers["prometheus"].stop(kill=True)
        pair.servers["alertmanager"].stop(kill=True)
        for dead in ("prometheus", "alertmanager"):
            said = pair.mailbox.wait(f"{dead} at {pair.address(dead)} does not answer", 60)
            assert "[CRITICAL]" in said.subject
        time.sleep(30)
        assert len(subjects(pair, "Memory")) == 1, "the one that is left sends it again"
        pair.servers["prometheus"].start()
        pair.servers["alertmanager"].start()
        pair.servers["prometheus"].wait()
        pair.mailbox.wait(f"[RESOLVED] {pair.address('prometheus')}", 90)
        time.sleep(20)
        assert len(subjects(pair, "Memory")) == 1, "the one that came back sends it again"
        end = time.time() - 5
        times = stored(pair, "victoriametrics", ALIVE, begin, end)
        assert gap(times) <= 2.5 * INTERVAL, "a hole where one of them was dead"
        assert len(times) <= (end - begin) / INTERVAL + 2, "samples of both are stored"
        hole = gap(stored(pair, "prometheus", ALIVE, begin, end))
        print(f"longest gap: stored {gap(times):.1f} s, in the one that was killed {hole:.1f} s")
        assert hole > 10, "it was dead indeed"


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
        here = stored(pair, "prometheus", ALIVE, begin, end)
        assert len(here) > 100

        def missing() -> list[float]:
            there = set(stored(pair, "victoriametrics", ALIVE, begin, end))
            return [round(moment - down, 1) for moment in here if moment not in there]

        with suppress(AssertionError):
            eventually(lambda: not missing(), 90)
        assert missing() == [], "seconds after the store went down of samples that it does not have"
        print(f"stored again: {len(here)} samples of the time, none missing, {time.time() - end:.0f} s after the end")
        pair.mailbox.wait("[RESOLVED]", 60)


@pytest.mark.timeout(300)
def test_the_dashboards_show_the_same_from_the_store(tmp_path: Path) -> None:
    """Each query means the same there: Grafana's source is one variable."""
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


def test_the_configuration_is_the_shipped_one_for_two_of_each() -> None:
    """What is added to prometheus.yml has to be added here, too."""
    one = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))
    two = yaml.safe_load(shipped({}).config("fleet"))
    jobs, more = ({job["job_name"]: job for job in config["scrape_configs"]} for config in (one, two))
    assert set(more) == set(jobs) | {"victoriametrics"}
    for name in ("host", "app", "grafana"):
        assert more[name] == jobs[name]
    for name in ("rule_files", "scrape_config_files"):
        assert two[name] == one[name]
    assert {key: two["global"][key] for key in one["global"]} == one["global"]


def test_the_pair_is_started_as_the_one() -> None:
    document = shipped({}).document["services"]
    one = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name in ("prometheus", "alertmanager"):
        usual = {word.partition("=")[0] for word in one[name]["command"]}
        for twin in (document[name], document[f"{name}-b"]):
            assert usual <= {word.partition("=")[0] for word in twin["command"]}
            assert twin["image"] == document[name]["image"]
            assert twin["cap_drop"] == ["ALL"]
            assert twin["healthcheck"]
    published = [port["published"] for service in document.values() for port in service.get("ports", [])]
    assert len(published) == len(set(published)), "two services want one port"
