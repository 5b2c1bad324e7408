"""Dashboard Stack: whether the monitoring itself is well, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import costs, panels, scrapes, style
from grafana.style import now, over_time, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, timeseries

    from grafana.board import Board


def fill(board: Board) -> None:
    """Lay out the panels."""
    for panel in (targets_down(), rules_failing(), posts_failing(), mails_failing(), kept(), exporter_cost()):
        board.add(panel, 4, 4)
    board.row("Scrapes")
    board.add(scrapes.targets(), 12, 9)
    board.add(scrapes.scrape_time(), 12, 9)
    board.row("Rules and email")
    board.add(rules(), 6, 8)
    board.add(rule_time(), 12, 8)
    board.add(notifications(), 6, 8)
    board.row("Storage")
    board.add(costs.storage(), 8, 8)
    board.add(costs.series(), 8, 8)
    board.add(costs.samples(), 8, 8)
    board.row("What it costs")
    board.add(costs.cpu_of_each(), 12, 8)
    board.add(costs.memory_of_each(), 12, 8)
    board.row("The exporter")
    board.add(scrapes.collectors(), 12, 8)
    board.add(scrapes.collectors_that_fail(), 12, 8)


def _bad_above_zero(title: str, description: str, expr: str) -> stat.Panel:
    panel = panels.number(title, description, style.COUNT, now(expr))
    return panels.signal(panel, (0.5, style.CRITICAL))


def targets_down() -> stat.Panel:
    """Return the number of targets that are down."""
    return _bad_above_zero(
        "Targets down",
        'Targets whose last scrape failed. Good: 0. "Targets" shows which ones. Grafana counts too: 1 if it is not '
        "running.",
        f"count({select('up')} == 0) or 0 * count({select('up')})",
    )


def rules_failing() -> stat.Panel:
    """Return the number of recent failed rule evaluations."""
    return _bad_above_zero(
        "Rule errors",
        "Rule evaluations that failed in the last 10 minutes. Good: 0. A rule that fails is an alert that you do not "
        "have; see runbook PrometheusRuleFailures.",
        f"sum(increase({select('prometheus_rule_evaluation_failures_total')}[10m]))",
    )


def posts_failing() -> stat.Panel:
    """Return the number of alerts recently not delivered to Alertmanager."""
    return _bad_above_zero(
        "Alerts stuck",
        "Alerts that Prometheus could not deliver to Alertmanager in the last 10 minutes. Good: 0. Prometheus "
        "retries; see runbook PrometheusAlertmanagerMissing.",
        f"sum(increase({select('prometheus_notifications_errors_total')}[10m]))",
    )


def mails_failing() -> stat.Panel:
    """Return the number of recent failed attempts to send."""
    return _bad_above_zero(
        "Email errors",
        "Attempts of Alertmanager to send that failed in the last 10 minutes. Good: 0. Wrong password, unreachable "
        "server or rejected address: see runbook AlertmanagerNotificationsFailing.",
        f"sum(increase({select('alertmanager_notification_requests_failed_total')}[10m]))",
    )


def kept() -> stat.Panel:
    """Return the age of the oldest sample."""
    return panels.number(
        "History",
        "Age of the oldest sample. Good: grows up to RETENTION_TIME. If it is still much less after months, "
        "RETENTION_SIZE is too small for these machines.",
        style.SECONDS,
        now(f"time() - max({select('prometheus_tsdb_lowest_timestamp_seconds')})"),
        decimals=1,
    )


def exporter_cost() -> stat.Panel:
    """Return the CPU usage of the busiest exporter."""
    exporters = select("host_exporter_build_info")
    return panels.number(
        "Exporter CPU",
        "Share of one core used by the busiest of the selected exporters. Good: below 1 %. More means many thousands "
        "of processes or many clients (an open page asks every 2.5 s).",
        style.RATIO,
        now(f"max(rate({select('process_cpu_seconds_total')}[5m]) and on (job, instance) {exporters})"),
        decimals=2,
    )


def rules() -> timeseries.Panel:
    """Return rule evaluations and failures."""
    return panels.graph(
        "Rule evaluations",
        "Rules evaluated per second, and those that failed. Good: steady, none failed.",
        style.COUNT,
        over_time(f"sum(rate({select('prometheus_rule_evaluations_total')}[$__rate_interval]))", "evaluated", "A"),
        over_time(f"sum(rate({select('prometheus_rule_evaluation_failures_total')}[$__rate_interval]))", "failed", "B"),
    )


def rule_time() -> timeseries.Panel:
    """Return how long rule groups took."""

    def group(series: str) -> str:
        # The label has the path of the file before the name of the group.
        return f'label_replace({series}, "rule_group", "$1", "rule_group", ".*;(.+)")'

    values = select("prometheus_rule_group_last_duration_seconds")
    return scrapes.slowest(
        "Rule duration",
        'How long a rule group took. Good: far below its interval (5 s for "host usage", 15 s for the others). Above '
        "it alerts are late: too many machines for this Prometheus.",
        *style.ranked(
            group(values),
            "job, instance, rule_group",
            "{{rule_group}}",
            "A",
            (5, group(style.in_range("max_over_time", values))),
        ),
    )


def notifications() -> timeseries.Panel:
    """Return notifications sent and failed."""
    sent = select("alertmanager_notification_requests_total", 'integration=~"email|webhook"')
    failed = select("alertmanager_notification_requests_failed_total", 'integration=~"email|webhook"')
    return panels.graph(
        "Notifications",
        "Attempts to send and failures, by channel. Good: few, none failed. Many without a failure: an alert is "
        'flapping; look at "Alerts" of that machine.',
        style.A_MINUTE,
        over_time(f"60 * sum by (integration) (rate({sent}[$__rate_interval]))", "{{integration}} sent", "A"),
        over_time(f"60 * sum by (integration) (rate({failed}[$__rate_interval]))", "{{integration}} failed", "B"),
    )
