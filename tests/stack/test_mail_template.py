"""What an email shows of the alerts that Alertmanager puts into it, by amtool, which fills in the same templates."""

from __future__ import annotations

import json
import re
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from tests.stack.test_shipped import amtool
from tests.tools.stack.shipped import Shipped

if TYPE_CHECKING:
    from pathlib import Path

ROOT_FS = {"device": "/dev/sda1", "mountpoint": "/"}
SSD = {"chip": "nvme nvme0", "sensor": "Composite"}
NOBREAK = "\N{NO-BREAK SPACE}"


def alert(status: str, name: str, severity: str, labels: dict[str, str] | None = None, **said: str) -> dict[str, Any]:
    """Return an alert about web-01, an hour long, as Alertmanager passes it to a template."""
    machine = {"job": "host", "instance": "a:5000", "hostname": "web-01"}
    return {
        "status": status,
        "labels": {"alertname": name, "severity": severity, **machine, **(labels or {})},
        "annotations": {
            "summary": f"{name} {severity}",
            "description": f"About {name}.",
            "next_step": "Do it.",
            **said,
        },
        "startsAt": "2026-01-01T10:00:00Z",
        "endsAt": "2026-01-01T11:00:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


def render(folder: Path, kind: str, *alerts: dict[str, Any], zone: str = "UTC") -> str:
    """Return the subject, text or html of an email."""
    (folder / "data.json").write_text(json.dumps({"alerts": alerts, "externalURL": "http://localhost:9093"}))
    done = amtool(
        folder, Shipped.read(dotenv=False), "template", "render", f"--template.glob={folder}/mail.tmpl",
        f"--template.type={'html' if kind == 'html' else 'text'}", f"--template.data={folder}/data.json",
        f'--template.text={{{{ template "host.{kind}" . }}}}', zone=zone,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def headings(folder: Path, *alerts: dict[str, Any]) -> list[str]:
    """Return what the email reports, in this order; the same in text and HTML."""
    text = re.findall(r"^(CRITICAL|WARNING|RESOLVED)  \S+: (.*)$", render(folder, "text", *alerts), re.MULTILINE)
    page = render(folder, "html", *alerts)
    levels = re.findall(r">(CRITICAL|WARNING|RESOLVED)</span>", page)
    titles = re.findall(r'class="title"[^>]*>(.*)</div>', page)
    assert [f"{level} {title}" for level, title in text] == [
        f"{level} {title}" for level, title in zip(levels, titles, strict=True)
    ]
    return [f"{level} {title}" for level, title in text]


FIRES = alert("firing", "HostFilesystemFull", "critical", ROOT_FS)
WARNS = alert("firing", "HostInodesLow", "warning", ROOT_FS)
ENDED = alert("resolved", "HostHighCpu", "critical")
ENDED_TOO = alert("resolved", "HostHighMemory", "warning")


@pytest.mark.parametrize("order", list(permutations([FIRES, WARNS, ENDED, ENDED_TOO])))
def test_the_worst_comes_first_in_subject_and_body(tmp_path: Path, order: tuple[dict[str, Any], ...]) -> None:
    """Alertmanager sorts by the number of labels."""
    assert headings(tmp_path, *order) == [
        "CRITICAL HostFilesystemFull critical",
        "WARNING HostInodesLow warning",
        "RESOLVED HostHighCpu critical",
        "RESOLVED HostHighMemory warning",
    ]
    assert render(tmp_path, "subject", *order) == "[CRITICAL] web-01: HostFilesystemFull critical and 3 more"


def over(name: str, severity: str, **labels: str) -> dict[str, Any]:
    """Return a resolved alert about /."""
    return alert("resolved", name, severity, ROOT_FS | labels)


FULL = over("HostFilesystemFull", "critical")


@pytest.mark.parametrize(
    ("alerts", "shown"),
    [
        # A critical alert has inhibited the warning.
        ([over("HostFilesystemFull", "warning"), FULL], ["RESOLVED HostFilesystemFull critical"]),
        ([over("HostFilesystemFull", "warning"), FIRES], ["CRITICAL HostFilesystemFull critical"]),
        (
            [alert("resolved", "HostHighCpu", "warning"), ENDED, WARNS],
            ["WARNING HostInodesLow warning", "RESOLVED HostHighCpu critical"],
        ),
        (
            [alert("resolved", "HostTooHot", "warning", SSD), alert("resolved", "HostTooHot", "critical", SSD)],
            ["RESOLVED HostTooHot critical"],
        ),
        # Another sensor, another filesystem, another alert, another machine.
        (
            [
                alert("resolved", "HostTooHot", "warning", SSD | {"chip": "nvme nvme1"}),
                alert("firing", "HostTooHot", "critical", SSD),
            ],
            ["CRITICAL HostTooHot critical", "RESOLVED HostTooHot warning"],
        ),
        (
            [
                alert("resolved", "HostTooHot", "warning", SSD | {"sensor": "Sensor 2"}),
                alert("firing", "HostTooHot", "critical", SSD),
            ],
            ["CRITICAL HostTooHot critical", "RESOLVED HostTooHot warning"],
        ),
        (
            [over("HostFilesystemFull", "warning", mountpoint="/srv", device="/dev/sdb1"), FULL],
            ["RESOLVED HostFilesystemFull critical", "RESOLVED HostFilesystemFull warning"],
        ),
        (
            [alert("resolved", "HostPoolDegraded", "warning", {"pool": pool}) for pool in ("tank", "backup")]
            + [alert("firing", "HostPoolDegraded", "critical", {"pool": "tank"})],
            ["CRITICAL HostPoolDegraded critical", "RESOLVED HostPoolDegraded warning"],
        ),
        ([ENDED, ENDED_TOO], ["RESOLVED HostHighCpu critical", "RESOLVED HostHighMemory warning"]),
        (
            [over("HostFilesystemFull", "warning", instance="b:5000"), FULL],
            ["RESOLVED HostFilesystemFull critical", "RESOLVED HostFilesystemFull warning"],
        ),
        # The critical alert is over, the warning is not.
        (
            [FULL, alert("firing", "HostFilesystemFull", "warning", ROOT_FS)],
            ["WARNING HostFilesystemFull warning", "RESOLVED HostFilesystemFull critical"],
        ),
        # A full filesystem inhibits the one that fills up.
        ([over("HostFilesystemFillingUp", "warning"), FULL], ["RESOLVED HostFilesystemFull critical"]),
        ([over("HostFilesystemFillingUp", "warning")], ["RESOLVED HostFilesystemFillingUp warning"]),
        # Renamed while it was full: the device, the mountpoint, or the machine's labels in a target file.
        (
            [over("HostFilesystemFull", "critical", device="/dev/nvme0n1p1"), FIRES],
            ["CRITICAL HostFilesystemFull critical"],
        ),
        ([over("HostFilesystemFull", "critical", mountpoint="/mnt"), FIRES], ["CRITICAL HostFilesystemFull critical"]),
        ([over("HostFilesystemFull", "critical", site="here"), FIRES], ["CRITICAL HostFilesystemFull critical"]),
        # What is near one limit says nothing about another.
        (
            [
                alert("resolved", "HostLimitNear", "critical", {"resource": "threads"}),
                alert("resolved", "HostLimitNear", "warning", {"resource": "threads"}),
                alert("resolved", "HostLimitNear", "warning", {"resource": "conntrack"}),
            ],
            ["RESOLVED HostLimitNear critical", "RESOLVED HostLimitNear warning"],
        ),
        # Collectors have no filesystem that could have been renamed.
        (
            [
                alert("resolved", "HostCollectorFailing", "warning", {"collector": "cpu"}),
                alert("firing", "HostCollectorFailing", "warning", {"collector": "disk"}),
            ],
            ["WARNING HostCollectorFailing warning", "RESOLVED HostCollectorFailing warning"],
        ),
    ],
)
def test_what_was_never_mailed_or_is_not_over_is_not_called_resolved(
    tmp_path: Path, alerts: list[dict[str, Any]], shown: list[str]
) -> None:
    for order in (alerts, alerts[::-1]):
        assert headings(tmp_path, *order) == shown
        more = f" and {len(shown) - 1} more" if len(shown) > 1 else ""
        level, _, title = shown[0].partition(" ")
        assert render(tmp_path, "subject", *order) == f"[{level}] web-01: {title}{more}"


def test_a_resolved_alert_says_the_worst_of_its_time_and_when_it_was_over(tmp_path: Path) -> None:
    ended = alert(
        "resolved",
        "HostHighCpu",
        "critical",
        keep_firing_for="5m",
        resolved_summary="CPU peaked at 98 %",
        resolved_description="CPU usage peaked at 98.2 %.\ntrain.py: 1.90 cores",
    )
    text = render(tmp_path, "text", ended)
    assert (
        "RESOLVED  web-01: CPU peaked at 98 %\n\nResolved. CPU usage peaked at 98.2 %.\ntrain.py: 1.90 cores\n" in text
    )
    assert "About HostHighCpu" not in text
    assert "From 2026-01-01 10:00:00 UTC to 2026-01-01 10:55:00 UTC" in text
    assert render(tmp_path, "subject", ended) == "[RESOLVED] web-01: CPU peaked at 98 %"
    for body in (text, render(tmp_path, "html", ended)):
        assert "Next step" not in body
        assert "Silence" not in body


@pytest.mark.parametrize(
    ("keeps", "end", "said"),
    [
        ("15m", "11:00:00", "10:45:00"),
        ("30m", "11:00:00", "10:30:00"),
        ("5m", "11:00:00", "10:55:00"),
        ("3m", "11:00:00", "10:57:00"),
        ("", "11:00:00", "11:00:00"),
        # Alertmanager has called it resolved because it has not heard of it.
        ("5m", "10:04:00", "10:04:00"),
    ],
)
def test_it_was_over_when_it_stopped_and_not_when_it_was_called_over(
    tmp_path: Path, keeps: str, end: str, said: str
) -> None:
    ended = alert("resolved", "HostHighCpu", "critical", keep_firing_for=keeps) | {"endsAt": f"2026-01-01T{end}Z"}
    assert f" to 2026-01-01 {said} UTC\n" in render(tmp_path, "text", ended)


def test_an_alert_without_words_of_its_own_for_its_end_repeats_what_it_said(tmp_path: Path) -> None:
    text = render(tmp_path, "text", alert("resolved", "Mine", "critical"))
    assert "RESOLVED  web-01: Mine critical\n\nResolved. Last report:\nAbout Mine.\n" in text


def test_times_are_in_the_zone_that_is_set_and_name_it(tmp_path: Path) -> None:
    assert "Since 2026-01-01 11:00:00 CET" in render(tmp_path, "text", FIRES, zone="Europe/Berlin")
    assert "Since 2026-01-01 10:00:00 UTC" in render(tmp_path, "html", FIRES, zone="No/Such_Zone")


def test_a_figure_and_its_unit_stay_on_one_line(tmp_path: Path) -> None:
    said = "Filesystem / 95 % (limit 90 %), 21.4 GiB, 512 B, 1.90 cores, 2 s; 5 scrapes in 2 minutes"
    page = render(
        tmp_path, "html", alert("firing", "X", "critical", summary=said, description=said, next_step="At 90 %.")
    )
    firm = "Filesystem / 95_% (limit 90_%), 21.4_GiB, 512_B, 1.90_cores, 2_s; 5 scrapes in 2 minutes"
    assert page.count(firm.replace("_", NOBREAK)) == 3, "the preview, the title and the text"
    assert said not in page
    # Mail programs search, and terminals print, what is in the text and the subject.
    assert NOBREAK not in render(tmp_path, "text", alert("firing", "X", "critical", summary=said))


def test_one_link_at_the_foot_silences(tmp_path: Path) -> None:
    text, page = (render(tmp_path, kind, FIRES, WARNS, ENDED) for kind in ("text", "html"))
    assert text.rstrip().endswith("\n\nSilence: http://localhost:9093/#/alerts")
    assert text.count("Silence") == page.count("Silence") == 1
    assert page.index("Silence") > page.rindex('class="alert ')


def test_no_line_of_the_text_is_longer_than_mail_programs_show(tmp_path: Path) -> None:
    at_most = max(len(line) for line in render(tmp_path, "text", FIRES, WARNS).splitlines())
    assert at_most <= 78, "RFC 5322, section 2.1.1"
