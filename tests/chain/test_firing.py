"""What fires, as the page tells it: about this machine, silenced, elsewhere; over; and as of when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from exporter.chain.firing import clock, firing
from exporter.chain.muted import muted
from exporter.chain.prometheus import State
from exporter.chain.watch import View
from exporter.thresholds import Level
from tests.chain.support import INHIBITED, SILENCED, Alert, listed, sent

if TYPE_CHECKING:
    from exporter.findings import Finding

NOW = datetime(2026, 1, 31, 22, 5, tzinfo=UTC).timestamp()
LOCAL = {"hostname": "web-01"}


def alert(name: str = "HostHighCpu", severity: str = "critical", *, kept: str = "", **labels: str) -> Alert:
    made = listed(name, severity=severity, **labels) | {"activeAt": "2026-01-31T21:54:30.123456789Z", "for": 300.0}
    made["annotations"] = {
        "summary": "CPU 97 % (limit 90 %)",
        "keep_firing_for": "5m",
        "runbook_url": f"http://localhost:5000/runbooks#{name.lower()}",
    }
    return made | ({"keepFiringSince": f"2026-01-31T{kept}:30.5Z"} if kept else {})


def view(*alerts: Alert, **more: Any) -> View:
    return View(alerts=alerts, hostname="web-01", **more)


def texts(found: tuple[Finding, ...]) -> list[str]:
    return [f"{each.what} {each.reason}".strip() for each in found]


def test_an_alert_about_this_machine_is_told_with_its_time_and_its_runbook() -> None:
    (found,) = firing(view(alert(**LOCAL)), NOW).here
    assert found.reason == "CPU 97 % (limit 90 %), since 21:59 UTC"
    assert (found.kind, found.level, found.over) == ("HostHighCpu", Level.CRITICAL, False)
    assert found.runbook == "runbooks#HostHighCpu"


def test_if_nobody_says_when_it_began_to_fire_the_page_does_not_either() -> None:
    made = alert(**LOCAL)
    del made["for"]
    assert firing(view(made), NOW).here[0].reason == "CPU 97 % (limit 90 %)"


def test_one_that_is_only_kept_firing_is_called_over_and_no_longer_critical() -> None:
    (found,) = firing(view(alert(kept="22:03", **LOCAL)), NOW).here
    assert found.reason == "Over since 22:03 UTC: CPU 97 % (limit 90 %). Its alert ends at 22:08 UTC"
    assert (found.level, found.over) == (Level.WARNING, True)
    without = alert(kept="22:03", **LOCAL)
    del without["annotations"]["keep_firing_for"]
    assert firing(view(without), NOW).here[0].reason.endswith(". Its alert ends by itself")


def test_a_machine_that_no_longer_answers_does_not_say_that_anything_is_over() -> None:
    there = alert(kept="22:03", hostname="db-01", instance="b:1")
    down = listed("HostExporterDown", "pending", hostname="db-01", instance="b:1")
    assert texts(firing(view(there, down), NOW).elsewhere) == ["db-01 CPU 97 % (limit 90 %), since 21:59 UTC"]


def test_the_watchdog_information_and_what_is_pending_is_not_told() -> None:
    pending = listed("HostHighCpu", "pending", **LOCAL)
    found = firing(view(listed("Watchdog", severity="none"), listed("HostRebooted", severity="info"), pending), NOW)
    assert (found.here, found.silenced, found.elsewhere) == ((), (), ())


def test_what_fires_elsewhere_is_told_by_machine_or_address_the_worst_first() -> None:
    others = [
        alert("HostHighMemory", "warning", hostname="web-00", instance="w:1"),
        alert(hostname="db-01", instance="b:1"),
        alert("AppDown", job="digits", instance="10.0.0.7:8000"),
        alert("PrometheusDiskLow", hostname="db-02", instance="c:1"),
    ]
    found = firing(view(*others), NOW)
    assert [each.what for each in found.elsewhere] == ["10.0.0.7:8000", "db-01", "db-02", "web-00"]
    assert found.here == ()
    assert firing(View(alerts=(alert(hostname=""),)), NOW).here == (), "which machine this is, is not known yet"


def test_a_critical_alert_says_more_than_its_warning() -> None:
    pair = (alert(**LOCAL), alert(severity="warning", **LOCAL))
    assert [each.level for each in firing(view(*pair), NOW).here] == [Level.CRITICAL]
    two = [alert("HostFilesystemFull", mountpoint=place, **LOCAL) for place in ("/", "/srv")]
    assert [each.subject for each in firing(view(*two), NOW).here] == ["/", "/srv"]


def test_a_sensor_goes_by_its_chip_as_in_what_the_figures_show() -> None:
    two = [alert("HostTooHot", chip=f"nvme nvme{n}", sensor="Composite", **LOCAL) for n in (0, 1)]
    assert [each.subject for each in firing(view(*two), NOW).here] == ["nvme nvme0 Composite", "nvme nvme1 Composite"]


def test_a_silenced_alert_is_called_so_and_an_inhibited_one_left_out() -> None:
    quiet = muted(
        [
            sent("HostHighCpu", "critical", hostname="web-01") | SILENCED,
            sent("HostHighMemory", hostname="web-01") | INHIBITED,
        ]
    )
    both = (alert(**LOCAL), alert("HostHighMemory", "warning", **LOCAL))
    found = firing(view(*both, muted=quiet), NOW)
    assert [each.kind for each in found.silenced] == ["HostHighCpu"]
    assert found.here == ()
    waiting = firing(view(*both, listed("AlertsOnHold", severity="none"), muted=quiet), NOW)
    assert [each.kind for each in waiting.here] == ["HostHighMemory"], (
        "that all emails wait is no reason to say nothing"
    )


def test_a_silence_for_another_machine_is_none_for_this_one() -> None:
    quiet = muted([sent("HostHighCpu", "critical", hostname="db-01") | SILENCED])
    found = firing(view(alert(**LOCAL), alert(hostname="db-01"), muted=quiet), NOW)
    assert [each.kind for each in found.here] == ["HostHighCpu"]
    assert found.elsewhere == found.silenced == ()


@pytest.mark.parametrize(
    "strange", [{}, {"labels": {"alertname": 7}, "status": {}}, {"labels": {}, "status": None}, "x", None]
)
def test_strange_answers_of_alertmanager_mute_nothing(strange: Any) -> None:
    quiet = muted([strange, sent("HostHighCpu", "critical", hostname="web-01") | SILENCED])
    assert quiet.silences(alert(**LOCAL)["labels"])
    assert not quiet.inhibits(alert(**LOCAL)["labels"])


def test_what_was_said_a_while_ago_is_not_told_as_if_it_were_now() -> None:
    now = firing(view(alert(**LOCAL), seen=NOW - 40), NOW).here[0].reason
    assert now == "CPU 97 % (limit 90 %), since 21:59 UTC"
    old = firing(view(alert(**LOCAL), seen=NOW - 90, state=State.SILENT), NOW).here[0].reason
    assert old == "CPU 97 % (limit 90 %), since 21:59 UTC (as of 22:03 UTC)"


def test_times_of_another_day_have_a_date() -> None:
    assert clock(NOW - 3 * 86400, NOW) == "28 Jan 22:05 UTC"


def test_strange_alerts_do_no_harm() -> None:
    strange = alert(**LOCAL) | {"annotations": None, "activeAt": "soon", "keepFiringSince": 7}
    strange["labels"]["alertname"] = "Host\x1b[31m"
    (found,) = firing(view(strange), NOW).here
    assert (found.reason, found.runbook) == ("Host?[31m", "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:5000/runbooks#ownrule", "runbooks#OwnRule"),
        ("https://wiki.example.org/x", "https://wiki.example.org/x"),
        ("javascript:alert(1)", ""),
        ("//evil.example", ""),
    ],
)
def test_an_alert_of_ones_own_leads_to_its_own_runbook(url: str, expected: str) -> None:
    own = alert("OwnRule", **LOCAL)
    own["annotations"]["runbook_url"] = url
    assert firing(view(own), NOW).here[0].runbook == expected
