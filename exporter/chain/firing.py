"""What fires in Prometheus, as the page tells it: about this machine, silenced, and about everything else."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from exporter.address import is_web_address
from exporter.chain.held import Listed
from exporter.findings import Finding
from exporter.sources.host import printable
from exporter.thresholds import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.chain.watch import View

    Alert = dict[str, Any]

CHAIN = ("Prometheus", "Alertmanager", "Monitoring")
"""How the names of alerts about the monitoring itself begin."""
NOT_ALARMING = frozenset({"none", "info"})
FRESH = 60.0
"""Seconds: what Prometheus said longer ago is shown with its time. All is well if it is asked every 30 s."""
SHIPPED = "http://localhost:5000/runbooks#"
"""How the addresses of runbooks in alerts.yml begin."""
SUBJECTS = (
    "mountpoint",
    "collector",
    "device",
    "pool",
    "filesystem",
    "sensor",
    "resource",
    "file",
    "kind",
    "exported_job",
)
"""Labels that name what an alert is about, as findings do, and by which several of a name differ on one machine."""


@dataclass(frozen=True, slots=True)
class Firing:
    """What fires and is not about the monitoring. ``elsewhere`` has the name of machine or application in ``what``."""

    here: tuple[Finding, ...] = ()
    silenced: tuple[Finding, ...] = ()
    elsewhere: tuple[Finding, ...] = ()


def firing(view: View, now: float | None = None) -> Firing:
    """Return what the last look at Prometheus found firing, worst first. ``now`` is Unix time, by default the clock's.

    One alert a thing: a critical one says more than the warning about the same. What another alert inhibits is left
    out, unless all wait for Prometheus.
    """
    moment = time.time() if now is None else now
    listed = Listed(view.alerts)
    waiting = any(is_on_hold(alert) for alert in view.alerts)
    found: dict[str, dict[object, Finding]] = {"here": {}, "silenced": {}, "elsewhere": {}}
    for alert in sorted(alarming(view.alerts), key=level_of):
        if is_ours(alert, view.hostname) or (not waiting and view.muted.inhibits(alert["labels"])):
            continue
        labels = alert["labels"]
        here = labels.get("job") == "host" and bool(view.hostname) and labels.get("hostname") == view.hostname
        if (silenced := view.muted.silences(labels)) and not here:
            continue
        unsure = listed.is_machine_down(alert, "pending")
        finding = told(alert, moment, place="" if here else _place(labels), unsure=unsure, seen=view.seen)
        others = (item for item in labels.items() if item[0] not in {"severity", "hostname"})
        thing = tuple(sorted(others))
        found["silenced" if silenced else "here" if here else "elsewhere"][thing] = finding
    return Firing(**{name: tuple(sorted(each.values(), key=_order)) for name, each in found.items()})


def alarming(alerts: Iterable[Alert]) -> list[Alert]:
    """Return those that fire and should worry somebody."""
    return [a for a in alerts if a["state"] == "firing" and a["labels"].get("severity") not in NOT_ALARMING]


def is_on_hold(alert: Alert) -> bool:
    """Return whether an alert says that all others wait, because Prometheus does not know what is true."""
    return alert["labels"]["alertname"] in {"AlertsOnHold", "PrometheusNotStoring"} and alert["state"] == "firing"


def is_ours(alert: Alert, hostname: str) -> bool:
    """Return whether an alert is about the monitoring here, rather than about a machine or about another one's disk."""
    labels = alert["labels"]
    elsewhere = labels.get("job") == "host" and labels.get("hostname") != hostname
    return labels["alertname"].startswith(CHAIN) and not elsewhere


def level_of(alert: Alert) -> Level:
    """Return the level of an alert that should worry somebody."""
    return Level.CRITICAL if alert["labels"].get("severity") == "critical" else Level.WARNING


def told(alert: Alert, now: float, *, seen: float, place: str = "", unsure: bool = False) -> Finding:
    """Return an alert as a finding: what it says, and since when; or that it is over and when its alert ends.

    ``unsure`` means that its machine no longer says whether it is over. ``seen`` is when Prometheus listed it.
    """
    annotations = alert.get("annotations") or {}
    name = printable(str(alert["labels"]["alertname"]))
    text = printable(str(annotations.get("summary") or name)).rstrip(".")
    kept, level = _moment(alert.get("keepFiringSince")), level_of(alert)
    over = kept is not None and not unsure
    if kept is not None and over:
        level = Level.WARNING
        lasts = _seconds(str(annotations.get("keep_firing_for", "")))
        ends = f"at {clock(kept + lasts, now)}" if lasts else "by itself"
        text = f"Over since {clock(kept, now)}: {text}. Its alert ends {ends}"
    elif (pending := _moment(alert.get("activeAt"))) is not None and isinstance(waited := alert.get("for"), float):
        text = f"{text}, since {clock(pending + waited, now)}"  # when it began to fire, as in the email
    if seen and abs(now - seen) > FRESH:
        text = f"{text} (as of {clock(seen, now)})"
    return Finding(
        name, level, place, _subject(alert["labels"]), reason=text, runbook=runbook(name, annotations), over=over
    )


def runbook(name: str, annotations: dict[str, str]) -> str:
    """Return the address of an alert's runbook, relative if it is one of ours; empty if it has none."""
    address = str(annotations.get("runbook_url", ""))
    if address == f"{SHIPPED}{name.lower()}":
        return f"runbooks#{name}"
    return address if is_web_address(address) else ""


def clock(moment: float, now: float) -> str:
    """Return a time of day in UTC, as everywhere on the page, with the date unless it was within the last 12 hours."""
    when = datetime.fromtimestamp(moment, UTC)
    date = f"{when.day} {when:%b} " if abs(now - moment) > timedelta(hours=12).total_seconds() else ""
    return f"{date}{when:%H:%M} UTC"


def _order(finding: Finding) -> tuple[object, ...]:
    return (finding.over, -finding.level, finding.what, finding.kind)


def _place(labels: dict[str, str]) -> str:
    """Return what an alert is about: a machine by its name, anything else by its address."""
    name = labels.get("hostname") or labels.get("instance") or labels.get("job") or labels["alertname"]
    return printable(str(name))


def _subject(labels: dict[str, str]) -> str:
    """Return the thing that an alert is about, as findings name it: a sensor by its chip and its own name."""
    name = next((str(labels[each]) for each in SUBJECTS if each in labels), "")
    return f"{labels['chip']} {name}" if "chip" in labels and "sensor" in labels else name


def _moment(text: object) -> float | None:
    """Return a time that Prometheus gives as Unix time, None if it gives none."""
    try:
        return datetime.fromisoformat(str(text or "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _seconds(text: str) -> float:
    """Return what "5m" means, 0 if it is none of the forms in alerts.yml."""
    number, unit = text[:-1], {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    return int(number) * unit if number.isdecimal() else 0.0
