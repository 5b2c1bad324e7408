"""Alerts that fired when Prometheus could no longer say whether they still do: none ends until it can say so again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Alert = dict[str, Any]

MACHINE_DOWN = frozenset({"HostExporterDown", "AppDown"})
"""While one of these is pending, its machine's other alerts have no data: nobody knows whether they are over."""
NEVER_HELD = frozenset({"PrometheusNotStoring"})
"""It tells of this very trouble and ends with it."""
UNSEEN = "It ended while Prometheus could not see it, so the time is when that was noticed."


class Held:
    """The alerts, by Alertmanager's fingerprint, as it had them when they were first seen."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}

    def __bool__(self) -> bool:
        return bool(self._alerts)

    def remember(self, active: Mapping[str, Alert], *, down: bool) -> None:
        """Hold what is active in Alertmanager, made by our Prometheus and not silenced.

        The Watchdog (severity "none") is not held: it must stop with Prometheus. PrometheusNotStoring is held if
        Prometheus is ``down`` and can no longer end it.
        """
        for fingerprint, alert in active.items():
            labels, silenced = alert["labels"], alert.get("status", {}).get("silencedBy")
            skipped = labels.get("severity") == "none" or (not down and labels["alertname"] in NEVER_HELD)
            if not silenced and not skipped:
                self._alerts.setdefault(fingerprint, alert)

    def forget(self) -> None:
        """Hold nothing."""
        self._alerts = {}

    def only(self, active: Mapping[str, Alert]) -> None:
        """Let go of what Alertmanager no longer has as active."""
        self._alerts = {key: alert for key, alert in self._alerts.items() if key in active}

    def let_go(self, listed: Listed) -> None:
        """Let go of what Prometheus lists as firing again: from now on it sends that itself."""
        self._alerts = {key: alert for key, alert in self._alerts.items() if not listed.has(alert, "firing")}

    def extended(self, active: Mapping[str, Alert], listed: Listed, ends: str) -> list[Alert]:
        """Return the alerts to post so that they go on firing until ``ends``.

        Those are the ones that Alertmanager still has as active, because Prometheus may have ended the others before it
        fell silent; and those that it lists as pending, whatever it has said of them while it had no data.
        """
        return [
            _post(alert, ends)
            for key, alert in self._alerts.items()
            if (key in active and not active[key].get("status", {}).get("silencedBy")) or listed.has(alert, "pending")
        ]

    def taken(self, name: str, ends: str) -> list[Alert]:
        """Let go of the alerts of a name and return them as ended: by now they are over."""
        found = {key: alert for key, alert in self._alerts.items() if alert["labels"]["alertname"] == name}
        self._alerts = {key: alert for key, alert in self._alerts.items() if key not in found}
        return [_post(alert, ends) for alert in found.values()]

    def over(self, listed: Listed, ends: str) -> list[Alert]:
        """Let go of the alerts that are over and return them as they are to be posted: ended at ``ends``."""
        decided = {
            key: alert
            for key, alert in self._alerts.items()
            if not listed.has(alert, "pending") and not listed.is_machine_down(alert, "pending")
        }
        self._alerts = {key: alert for key, alert in self._alerts.items() if key not in decided}
        # A machine that has died meanwhile: its alerts end unsaid, inhibited by the one that says it is down.
        return [_ended(alert, ends) for alert in decided.values() if not listed.is_machine_down(alert, "firing")]


class Listed:
    """The alerts that Prometheus lists. Those of Alertmanager are looked up here; they have external labels as well."""

    def __init__(self, alerts: Iterable[Alert]) -> None:
        self._labels: dict[tuple[str, str, str], list[Alert]] = {}
        self._machines: set[tuple[str, str, str]] = set()
        for alert in alerts:
            labels, state = alert["labels"], alert["state"]
            key = (labels["alertname"], labels.get("instance", ""), state)
            self._labels.setdefault(key, []).append(labels)
            if labels["alertname"] in MACHINE_DOWN:
                self._machines.add((labels.get("job", ""), labels.get("instance", ""), state))

    def has(self, alert: Alert, state: str) -> bool:
        """Return whether Prometheus lists this alert in that state."""
        labels = alert["labels"]
        name, places = labels["alertname"], {labels.get("instance", ""), ""}
        found = (other for place in places for other in self._labels.get((name, place, state), ()))
        return any(other.items() <= labels.items() for other in found)

    def is_machine_down(self, alert: Alert, state: str) -> bool:
        """Return whether the alert that says that this one's machine is down is in that state."""
        labels = alert["labels"]
        return (labels.get("job", ""), labels.get("instance", ""), state) in self._machines


def _ended(alert: Alert, ends: str) -> Alert:
    """Return an alert as over. Since when is not known, so nothing is deducted from ``ends`` for keep_firing_for."""
    words: Alert = {key: text for key, text in alert["annotations"].items() if key != "keep_firing_for"}
    said = "resolved_description" if words.get("resolved_description") else "description"
    words[said] = f"{words.get(said, '')}\n{UNSEEN}".lstrip()
    return _post(alert, ends) | {"annotations": words}


def _post(alert: Alert, ends: str) -> Alert:
    kept: Alert = {key: alert[key] for key in ("labels", "annotations", "startsAt", "generatorURL") if key in alert}
    return kept | {"endsAt": ends}
