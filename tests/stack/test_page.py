"""What the status page says of alerts that really fire, are silenced, are over, and of servers that are gone."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exporter.chain.pace import PACE
from exporter.chain.prometheus import Prometheus
from tests.stack.support import Relay
from tests.stack.test_deaths import hurried_chain
from tests.support import eventually, fetch
from tests.tools.ports import free_port
from tests.web.test_page import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(300)

LIMIT = 'host_alert_threshold_ratio{resource="memory",severity="critical"}'
CALM = {"CPU_WARNING": "none", "CPU_CRITICAL": "none", "MEMORY_WARNING": "none", "MEMORY_CRITICAL": "99"}


def page(chain: Chain) -> Page:
    return Page(fetch(chain.urls["exporter"]).text)


def says(chain: Chain, badge: str, *lines: str) -> None:
    """Wait until the page has this badge, and lines that match."""

    def shown() -> bool:
        answer = page(chain)
        listed = [text.replace("\u00a0", " ") for _, text in answer.all("li")]
        found = all(any(re.fullmatch(line, text) for text in listed) for line in lines)
        return found and answer.one("p", id="badge")[1] == badge and answer.title() == f"web-01: {badge}"

    eventually(shown, 60, lambda: str([page(chain).one("p", id="badge"), *page(chain).all("li")]))


def fired_here(alert: dict[str, Any]) -> bool:
    labels = alert["labels"]
    return (labels["alertname"], labels["severity"]) == ("HostHighMemory", "critical") and alert.get(
        "state"
    ) != "pending"


def ask_alertmanager(chain: Chain, path: str, body: Any = None, method: str = "POST") -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{chain.urls['alertmanager']}/api/v2/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


def test_the_page_follows_an_alert_to_its_end_and_misses_the_servers(tmp_path: Path) -> None:
    chain = hurried_chain(tmp_path / "chain", variables=CALM)
    gone = f"127.0.0.1:{free_port()}"
    with chain, Relay(chain.urls["exporter"], f"{LIMIT} 0.99", f"{LIMIT} 0.001") as relay:
        (chain.targets / "more.yml").write_text(f'- targets: ["{relay.address}", "{gone}"]\n')
        # The machine's own limit is another one, so that its figures do not tell of it.
        says(chain, "1 critical", r"Memory \d+ % \(limit 0\.1 %\), since \d\d:\d\d UTC")
        assert page(chain).all("a", href="runbooks#HostHighMemory")
        says(chain, "1 critical", rf"critical: {gone} Not responding.*, since \d\d:\d\d UTC")

        (fires,) = (a for a in Prometheus([chain.urls["prometheus"]], PACE).look().alerts if fired_here(a))
        (mailed,) = filter(fired_here, ask_alertmanager(chain, "alerts", method="GET"))
        waited = datetime.fromisoformat(mailed["startsAt"]) - datetime.fromisoformat(fires["activeAt"])
        assert waited.total_seconds() == pytest.approx(fires["for"], abs=0.5)
        assert fires["for"] > 1

        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "alertname", "value": "HostHighMemory", "isRegex": False}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "owner",
            "comment": "known",
        }
        made = ask_alertmanager(chain, "silences", silence)["silenceID"]
        says(chain, "all well", r"Silenced: Memory \d+ % \(limit 0\.1 %\), since .*")
        ask_alertmanager(chain, f"silence/{made}", method="DELETE")
        says(chain, "1 critical")

        relay.broken = False
        says(chain, "1 alert ending", r"Over since \d\d:\d\d UTC: Memory \d+ % .*\. Its alert ends at \d\d:\d\d UTC")

        assert not page(chain).all("span", **{"class": "trouble"})
        chain.prometheus.stop(kill=True)
        chain.alertmanager.stop(kill=True)
        eventually(
            lambda: (
                {"Prometheus does not answer", "Alertmanager does not answer"}
                <= {text for _, text in page(chain).all("li")}
                and {"Prometheus does not answer", "Alertmanager does not answer"}
                <= {text for _, text in page(chain).all("span", **{"class": "trouble"})}
            ),
            60,
        )
        assert page(chain).one("p", id="badge")[0]["class"] == "critical"
        assert page(chain).all("a", href="runbooks#PrometheusDown")
