"""High availability: one server of each kind is killed while an alert fires; one mail is sent and no sample lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.fleet.asking import ALIVE, INTERVAL, gap, make_pair, stored, subjects
from tests.fleet.pair import shipped
from tests.stack.support import ROUND
from tests.tools.stack.pings import Pings
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(400)
def test_one_of_each_is_killed_while_an_alert_fires(tmp_path: Path) -> None:
    with Pings() as pings, make_pair(tmp_path, variables={"HEARTBEAT_URL": pings.url}) as pair:
        pair.mailbox.wait("Memory", 90)
        begin = time.time()
        time.sleep(25)  # the second Alertmanager waits 15 s before sending; by now its mail would have arrived
        assert len(subjects(pair, "Memory")) == 1
        both = [ping for ping in pings.all if ping.time > begin]
        assert len(both) < 1.5 * (time.time() - begin) / ROUND, "each of the two pings"
        pair.servers["prometheus"].stop(kill=True)
        pair.servers["alertmanager"].stop(kill=True)
        for dead in ("prometheus", "alertmanager"):
            said = pair.mailbox.wait(f"{dead} at {pair.address(dead)} is not responding", 60)
            assert "[CRITICAL]" in said.subject
        time.sleep(30)
        assert len(subjects(pair, "Memory")) == 1, "the surviving one sent it again"
        pings.wait(2)
        pair.servers["prometheus"].start()
        pair.servers["alertmanager"].start()
        pair.servers["prometheus"].wait()
        pair.mailbox.wait(f"[RESOLVED] {pair.address('prometheus')}", 90)
        time.sleep(20)
        assert len(subjects(pair, "Memory")) == 1, "the restarted one sent it again"
        end = time.time() - 5
        times = stored(pair, "victoriametrics", ALIVE, begin, end)
        assert gap(times, begin, end) <= 2.5 * INTERVAL, "a gap while one of them was down"
        assert len(times) <= (end - begin) / INTERVAL + 2, "samples of both are stored"
        hole = gap(stored(pair, "prometheus", ALIVE, begin, end), begin, end)
        print(f"longest gap: stored {gap(times, begin, end):.1f} s, in the one that was killed {hole:.1f} s")
        assert hole > 10, "it was not down at all"


def test_the_configuration_is_the_shipped_one_for_two_of_each() -> None:
    """Additions to prometheus.yml must be made here too."""
    one = yaml.safe_load((ROOT / "prometheus.yml").read_text(encoding="utf-8"))
    two = yaml.safe_load(shipped({}).config("fleet"))
    jobs, more = ({job["job_name"]: job for job in config["scrape_configs"]} for config in (one, two))
    assert set(two) == set(one) | {"remote_write"}
    assert set(more) == set(jobs) | {"victoriametrics"}
    for name in ("host", "app", "grafana"):
        assert more[name] == jobs[name]
    for name in ("prometheus", "alertmanager"):
        assert more[name].pop("static_configs") != jobs[name].pop("static_configs")
        assert more[name] == jobs[name]
    for name in ("rule_files", "scrape_config_files"):
        assert two[name] == one[name]
    assert {key: two["global"][key] for key in one["global"]} == one["global"]
    assert set(two["alerting"]) == set(one["alerting"]) | {"alert_relabel_configs"}


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
