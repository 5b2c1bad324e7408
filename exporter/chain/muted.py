"""Which alerts Alertmanager sends to nobody: somebody has silenced them, or another alert inhibits them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.chain.asking import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Muted:
    """The labels of these alerts by name and instance; Alertmanager's have Prometheus' external labels as well."""

    silenced: Mapping[tuple[str, str], tuple[dict[str, str], ...]]
    inhibited: Mapping[tuple[str, str], tuple[dict[str, str], ...]]

    def silences(self, labels: dict[str, str]) -> bool:
        """Return whether the alert with these labels is silenced."""
        return _has(self.silenced, labels)

    def inhibits(self, labels: dict[str, str]) -> bool:
        """Return whether another alert inhibits the one with these labels."""
        return _has(self.inhibited, labels)


NOTHING = Muted({}, {})


def muted(alerts: Iterable[Any]) -> Muted:
    """Return which of the alerts of a response of Alertmanager are muted. Those of another form are skipped."""
    found: tuple[dict[tuple[str, str], tuple[dict[str, str], ...]], ...] = ({}, {})
    for alert in alerts:
        try:
            labels, status = texts(alert["labels"]), alert["status"]
            reasons = (status.get("silencedBy"), status.get("inhibitedBy"))
        except (LookupError, TypeError, AttributeError):
            continue
        for each, reason in zip(found, reasons, strict=True):
            if reason:
                each[_key(labels)] = (*each.get(_key(labels), ()), labels)
    return Muted(*found)


def _key(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get("alertname", ""), labels.get("instance", "")


def _has(found: Mapping[tuple[str, str], tuple[dict[str, str], ...]], labels: dict[str, str]) -> bool:
    return any(labels.items() <= other.items() for other in found.get(_key(labels), ()))
