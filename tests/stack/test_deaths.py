"""Prometheus dies or goes blind: its owner is told, nothing is called resolved, what ended meanwhile is said once."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.hurried import PACE
from tests.stack.support import failing, make_chain, subjects
from tests.stack.test_storing import NOT_STORING, PROMETHEUS, STORING, fill, mounted, states
from tests.support import eventually, fetch
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(400)


def hurried_chain(folder: Path, *prometheus: str, variables: Mapping[str, str] | None = None) -> Chain:
    """Return a chain whose exporter looks at Prometheus as often as the other intervals are short."""
    chain = make_chain(folder, variables, prometheus=prometheus)
    chain.grafana = None
    words = chain.exporter.command
    words[words.index("exporter")] = "tests.stack.hurried"
    chain.exporter.environment = {**chain.exporter.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    return chain


def alerts(chain: Chain, name: str = "") -> list[dict[str, Any]]:
    """Return the alerts that are active in Alertmanager, all or those of a name."""
    found = json.loads(fetch(f"{chain.urls['alertmanager']}/api/v2/alerts").text)
    return [alert for alert in found if name in {"", alert["labels"]["alertname"]}]


def active(chain: Chain) -> set[str]:
    """Return the names of the alerts that are active in Alertmanager, with the collector that some are about."""
    return {" ".join((a["labels"]["alertname"], a["labels"].get("collector", ""))).strip() for a in alerts(chain)}


def later(moment: str, seconds: float) -> str:
    """Return a later time in the form of Alertmanager's, which sorts like text."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()


def said_by_the_page(chain: Chain) -> list[str]:
    return [finding["text"] for finding in json.loads(fetch(f"{chain.urls['exporter']}/api/stats").text)["findings"]]


def test_prometheus_is_killed_while_one_alert_stays_true_and_another_ends(tmp_path: Path) -> None:
    chain = hurried_chain(tmp_path / "chain")
    with chain, failing(chain, "memory"), failing(chain, "cpu") as cpu:
        for collector in ("memory", "cpu"):
            chain.mailbox.wait(f"web-01: No data for {collector}", 90)
        chain.prometheus.stop(kill=True)
        told = chain.mailbox.wait("Prometheus", 60)
        assert told.subject == "[CRITICAL] web-01: Prometheus is not responding"
        assert "Next step: Start it again (docker compose up -d --wait prometheus)." in told.body()
        assert "/runbooks#prometheusdown" in told.body()
        assert said_by_the_page(chain)[0] == "Prometheus does not answer"
        cpu.broken = False
        time.sleep(16)  # Prometheus' own "resend" lasts 8 s in Alertmanager, and a round of emails comes every 4 s
        assert len(chain.mailbox.mails) == 3, chain.mailbox.subjects()
        assert {"HostCollectorFailing memory", "HostCollectorFailing cpu", "PrometheusDown"} <= active(chain)

        chain.prometheus.start()
        chain.prometheus.wait()
        back = chain.mailbox.wait("[RESOLVED] web-01: Prometheus is back", 60)
        assert "Resolved. Alerts are evaluated again." in back.body()
        chain.mailbox.wait("[RESOLVED] web-01: No data for cpu", 120)
        eventually(lambda: active(chain) == {"HostCollectorFailing memory", "Watchdog"}, 60)
        time.sleep(10)
        assert subjects(chain, "No data for memory") == ["[WARNING] web-01: No data for memory"]
        assert len(chain.mailbox.mails) == 5, chain.mailbox.subjects()
        assert "Prometheus does not answer" not in said_by_the_page(chain)


def test_prometheus_has_no_room_while_one_alert_stays_true_and_another_ends(tmp_path: Path) -> None:
    """Without data it takes both for over, and says so to Alertmanager again and again."""
    folder = tmp_path / "chain"
    chain = hurried_chain(folder, *PROMETHEUS)
    full = mounted(folder / "prometheus", "-t", "tmpfs", "-o", "size=48m", "small")
    with full as disk, chain, failing(chain, "memory"), failing(chain, "cpu") as cpu:
        for collector in ("memory", "cpu"):
            chain.mailbox.wait(f"web-01: No data for {collector}", 90)
        filler = fill(disk)
        chain.mailbox.wait(NOT_STORING, 90)
        assert "AlertsOnHold" in active(chain)
        assert said_by_the_page(chain)[0] == "Prometheus stores nothing"
        cpu.broken = False
        eventually(lambda: "HostCollectorFailing" not in states(chain), 120)
        eventually(lambda: not {name for name in active(chain) if name.startswith("HostCollector")}, 60)
        assert {"PrometheusNotStoring", "AlertsOnHold"} <= active(chain)
        time.sleep(6)  # a round of emails
        assert len(subjects(chain, "No data for")) == 2, chain.mailbox.subjects()

        filler.unlink()
        chain.mailbox.wait(STORING, 60)
        chain.mailbox.wait("[RESOLVED] web-01: No data for cpu", 120)
        eventually(lambda: "AlertsOnHold" not in active(chain), 60)
        eventually(lambda: states(chain).get("HostCollectorFailing") == "firing", 60)
        time.sleep(6)
        assert subjects(chain, "No data for memory") == ["[WARNING] web-01: No data for memory"]
        assert len(subjects(chain, "No data for cpu")) == 2, chain.mailbox.subjects()
        assert not subjects(chain, "Prometheus stores nothing"), "the rule has said it"


def test_an_exporter_that_dies_with_prometheus_is_missed_and_nothing_is_called_resolved(tmp_path: Path) -> None:
    chain = hurried_chain(tmp_path / "chain")
    with chain, failing(chain, "memory"):
        chain.mailbox.wait("web-01: No data for memory", 90)
        chain.prometheus.stop(kill=True)
        chain.mailbox.wait("[CRITICAL] web-01: Prometheus is not responding", 60)

        # One that restarts goes on with the same alert.
        (before,) = alerts(chain, "PrometheusDown")
        chain.exporter.stop()
        chain.exporter.start()
        eventually(lambda: alerts(chain, "PrometheusDown")[0]["updatedAt"] > later(before["updatedAt"], 5))
        assert alerts(chain, "PrometheusDown")[0]["startsAt"] == before["startsAt"]
        assert len(chain.mailbox.mails) == 2, chain.mailbox.subjects()

        chain.exporter.stop(kill=True)
        missed = chain.mailbox.wait("exporter that watched it has stopped too", PACE.lasts + 60)
        assert missed.subject.startswith("[CRITICAL] web-01: Prometheus was down")
        assert "Resolved" not in missed.body()
        assert "RESOLVED" not in missed.body("html")
        assert active(chain) == set()
        time.sleep(8)  # two rounds
        assert len(chain.mailbox.mails) == 3, chain.mailbox.subjects()
