"""Dashboard Stack: whether the monitoring itself is well, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import now, over_time, rows, select

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import stat, table, timeseries

    from grafana.board import Board


def fill(board: Board) -> None:
    """Put the panels in their places."""
    for panel in (targets_down(), rules_failing(), posts_failing(), mails_failing(), kept(), exporter_cost()):
        board.add(panel, 4, 4)
    board.row("Scrapes")
    board.add(targets(), 12, 9)
    board.add(scrape_time(), 12, 9)
    board.row("Rules and mail")
    board.add(rules(), 8, 8)
    board.add(rule_time(), 8, 8)
    board.add(notifications(), 8, 8)
    board.row("Storage")
    board.add(storage(), 8, 8)
    board.add(series(), 8, 8)
    board.add(samples(), 8, 8)
    board.row("What it costs")
    board.add(cpu_of_each(), 12, 8)
    board.add(memory_of_each(), 12, 8)
    board.row("The exporter")
    board.add(collectors(), 12, 8)
    board.add(collectors_that_fail(), 12, 8)


def _bad_above_zero(title: str, description: str, expr: str) -> stat.Panel:
    panel = panels.number(title, description, style.COUNT, now(f"{expr} or vector(0)"))
    return panels.signal(panel, (0.5, style.CRITICAL))


def targets_down() -> stat.Panel:
    """Return how many targets do not answer."""
    return _bad_above_zero(
        "Targets not answering",
        'What Prometheus could not scrape just now. Good: 0. Which it is stands in "Targets". Grafana is one of '
        "them: 1 where it does not run.",
        f"count({select('up')} == 0)",
    )


def rules_failing() -> stat.Panel:
    """Return how many rule evaluations failed lately."""
    return _bad_above_zero(
        "Rules failing",
        "Rule evaluations that failed in the last 10 minutes. Good: 0. A rule that fails is an alert that is "
        "missing; runbook PrometheusRuleFailures.",
        f"sum(increase({select('prometheus_rule_evaluation_failures_total')}[10m]))",
    )


def posts_failing() -> stat.Panel:
    """Return how many alerts Alertmanager did not take lately."""
    return _bad_above_zero(
        "Alerts not taken",
        "Alerts that Prometheus could not hand to Alertmanager in the last 10 minutes. Good: 0. They are tried "
        "again; runbook PrometheusAlertmanagerMissing.",
        f"sum(increase({select('prometheus_notifications_errors_total')}[10m]))",
    )


def mails_failing() -> stat.Panel:
    """Return how many mails failed lately."""
    return _bad_above_zero(
        "Mails not sent",
        "Attempts of Alertmanager to send that failed in the last 10 minutes. Good: 0. Wrong password, "
        "unreachable server, refused address: runbook AlertmanagerNotificationsFailing.",
        f"sum(increase({select('alertmanager_notification_requests_failed_total')}[10m]))",
    )


def kept() -> stat.Panel:
    """Return how far back the history reaches."""
    return panels.number(
        "History reaches back",
        "Time between now and the oldest sample. Good: grows up to RETENTION_TIME. Much less than that after months: "
        "RETENTION_SIZE is too small for these machines.",
        style.SECONDS,
        now(f"time() - max({select('prometheus_tsdb_lowest_timestamp_seconds')})"),
        decimals=1,
    )


def exporter_cost() -> stat.Panel:
    """Return what the exporter costs."""
    exporters = select("host_exporter_build_info")
    return panels.number(
        "CPU of one exporter",
        "Share of one core that an exporter uses, the busiest of the chosen ones. Good: below 1 %. More: many "
        "thousands of processes, or many who ask (a page that is open asks every 2.5 s).",
        style.RATIO,
        now(f"max(rate({select('process_cpu_seconds_total')}[5m]) and on (job, instance) {exporters})"),
        decimals=2,
    )


def targets() -> table.Panel:
    """Return all targets, those that do not answer first."""
    panel = panels.list_of(
        "Targets",
        'All that Prometheus scrapes, what does not answer first. Good: every line "answers". "Took" near 10 s '
        'is a scrape that is about to fail; "Series" that grow all the time fill the storage.',
        rows(f"sort(max by (job, instance) ({select('up')}))", "A"),
        rows(f"max by (job, instance) ({select('scrape_duration_seconds')})", "B"),
        rows(f"max by (job, instance) ({select('scrape_samples_scraped')})", "C"),
    )
    names = {"job": "Job", "instance": "Address", "Value #A": "State", "Value #B": "Took", "Value #C": "Series"}
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    states = {
        "0": {"text": "no answer", "color": style.CRITICAL, "index": 0},
        "1": {"text": "answers", "color": style.OK, "index": 1},
    }
    panel = panel.override_by_name(
        "State",
        [
            style.property_of("mappings", [{"type": "value", "options": states}]),
            style.property_of("custom.cellOptions", {"type": "color-text"}),
        ],
    )
    panel = panel.override_by_name("Took", [style.property_of("unit", style.SECONDS), style.property_of("decimals", 3)])
    panel = panel.override_by_name("Series", [style.property_of("decimals", 0)])
    return panel.sort_by([panels.sorted_by("State").desc(False)])


def _slowest(title: str, description: str, metric: str, label: str) -> timeseries.Panel:
    values = select(metric)
    panel = panels.graph(
        title,
        description,
        style.SECONDS,
        over_time(f"topk(5, {values})", f"{{{{{label}}}}}"),
    )
    return panel.legend(style.legend("mean", "max", sort="Max")).fill_opacity(0).decimals(3)


def scrape_time() -> timeseries.Panel:
    """Return how long scrapes took."""
    return _slowest(
        "Time of a scrape",
        "How long the five slowest targets took. Good: below 0.1 s. Prometheus gives up after 10 s; a slow "
        "exporter is on a machine that is in trouble, or behind a slow network.",
        "scrape_duration_seconds",
        "instance",
    )


def rules() -> timeseries.Panel:
    """Return rule evaluations."""
    return panels.graph(
        "Rule evaluations",
        "Rules that were evaluated a second, and those that failed. Good: steady, none failed.",
        style.COUNT,
        over_time(f"sum(rate({select('prometheus_rule_evaluations_total')}[$__rate_interval]))", "evaluated", "A"),
        over_time(f"sum(rate({select('prometheus_rule_evaluation_failures_total')}[$__rate_interval]))", "failed", "B"),
    ).legend(style.legend("mean", "max"))


def rule_time() -> timeseries.Panel:
    """Return how long rule groups took."""
    return _slowest(
        "Time of the rules",
        'How long a group of rules took. Good: far below its interval (5 s for "host usage", 15 s for the '
        "others). Above it alerts come late: too many machines for this one Prometheus.",
        "prometheus_rule_group_last_duration_seconds",
        "rule_group",
    )


def notifications() -> timeseries.Panel:
    """Return what was sent."""
    sent = select("alertmanager_notification_requests_total", 'integration=~"email|webhook"')
    failed = select("alertmanager_notification_requests_failed_total", 'integration=~"email|webhook"')
    return panels.graph(
        "Notifications",
        "Attempts to send, and those that failed, by way. Good: few, none failed. Many without a failure: "
        'something goes on and off; look at "Alerts" of that machine.',
        style.A_MINUTE,
        over_time(f"60 * sum by (integration) (rate({sent}[$__rate_interval]))", "{{integration}} sent", "A"),
        over_time(f"60 * sum by (integration) (rate({failed}[$__rate_interval]))", "{{integration}} failed", "B"),
    ).legend(style.legend("max"))


def storage() -> timeseries.Panel:
    """Return the size of the history."""
    blocks, wal = select("prometheus_tsdb_storage_blocks_bytes"), select("prometheus_tsdb_wal_storage_size_bytes")
    panel = panels.graph(
        "History on disk",
        "Size of the history, and of the newest part that is not yet packed. Good: below the dashed line, "
        "RETENTION_SIZE; there the oldest goes.",
        style.BYTES,
        over_time(f"sum({blocks})", "packed", "A"),
        over_time(f"sum({wal})", "newest", "B"),
        over_time(f"max({select('prometheus_tsdb_retention_limit_bytes')}) > 0", "total", "C"),
    )
    return panels.dashed(panel, "total").legend(style.legend("lastNotNull"))


def series() -> timeseries.Panel:
    """Return how many series there are."""
    return panels.graph(
        "Series",
        "Series that Prometheus holds in memory. Good: steady, about 200 a machine. Growing all the time: a "
        "label that is new in every scrape.",
        style.COUNT,
        over_time(f"sum({select('prometheus_tsdb_head_series')})", "series"),
    ).decimals(0)


def samples() -> timeseries.Panel:
    """Return how many samples are stored."""
    appended = select("prometheus_tsdb_head_samples_appended_total")
    return panels.graph(
        "Samples",
        "Samples stored a second. Good: steady, about 13 for each machine scraped every 15 s. One sample takes 1 "
        "to 2 bytes.",
        style.COUNT,
        over_time(f"sum(rate({appended}[$__rate_interval]))", "samples a second"),
    )


def cpu_of_each() -> timeseries.Panel:
    """Return the CPU of each part."""
    used = select("process_cpu_seconds_total")
    return panels.stacked(
        panels.graph(
            "CPU of each part",
            "Cores that each part of the stack uses; exporters added together. Good: below 0.1 in all for a few "
            "machines.",
            style.COUNT,
            over_time(f"sum by (job) (rate({used}[$__rate_interval]))", "{{job}}"),
        ).decimals(3)
    ).legend(style.legend("mean", "max", sort="Mean"))


def memory_of_each() -> timeseries.Panel:
    """Return the memory of each part."""
    return panels.stacked(
        panels.graph(
            "Memory of each part",
            "Memory that each part of the stack holds; exporters added together, about 40 MiB each. Good: steady.",
            style.BYTES,
            over_time(f"sum by (job) ({select('process_resident_memory_bytes')})", "{{job}}"),
        )
    ).legend(style.legend("mean", "max", sort="Max"))


def collectors() -> timeseries.Panel:
    """Return how long collectors took."""
    return _slowest(
        "Time of each collector",
        "How long the five slowest collectors took in a sample. Good: milliseconds. Above 2 s together there is "
        'an alert; "filesystem" at 2 s is a network filesystem that does not answer.',
        "host_exporter_collector_duration_seconds",
        "collector",
    )


def collectors_that_fail() -> timeseries.Panel:
    """Return which collectors failed."""
    errors = select("host_exporter_collector_errors_total")
    return (
        panels.graph(
            "Collectors that fail",
            "Samples without figures, by what could not be read, the five most frequent. Good: 0 everywhere. The "
            "reason stands on the status page; runbook HostCollectorFailing.",
            style.COUNT,
            over_time(f"topk(5, sum by (collector) (increase({errors}[$__rate_interval])))", "{{collector}}"),
        )
        .legend(style.legend("max"))
        .axis_soft_max(1)
    )
