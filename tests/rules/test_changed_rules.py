"""The tests of the rules can fail: each of these changes to a rule is noticed by its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rules.test_rules import SHIPPED, judge, promtool

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("alert", "old", "new"),
    [
        ("HostHighCpu", 'mode=~"idle|iowait"}', 'mode="idle"}'),
        ("HostHighCpu", "clamp_min(delta(", "clamp_min(increase("),
        ("HostHighCpu", "> -20 * sum", "> 0 * sum"),
        ("HostHighCpu", "> -20 * sum", "> -20000 * sum"),
        ("HostHighCpu", '"idle|iowait|user|system"', '"idle|iowait|user|system|steal"'),
        ("HostHighCpu", "1.5 * 150", "1500000 * 150"),
        ("HostHighCpu", ">= ignoring (mode) count_over_time", ">= ignoring (mode) 0 * count_over_time"),
        ("HostHighCpu", 'resource="cpu", severity="critical"', 'resource="cpu", severity="warning"'),
        ("HostHighCpu", "topk(3, sum_over_time(host_top", "topk(2, sum_over_time(host_top"),
        ("HostHighCpu", "scalar(max(count_over_time(", "scalar(min(count_over_time("),
        ("HostHighMemory", ">= on (job, instance) group_left (severity)", "> on (job, instance) group_left (severity)"),
        ("HostHighMemory", "keep_firing_for: 3m", "keep_firing_for: 2m"),
        ("HostFilesystemFull", "offset 1h", "offset 2h"),
        ("HostFilesystemFull", ', hostname!=""}', ', hostname="nobody"}'),
        ("HostFilesystemFillingUp", "60, 86400)", "60, 186400)"),
        ("HostHighCpu", "and on (job, instance) %s)%s)", "or on (job, instance) %s)%s)"),
        ("HostHighCpu", "max(max_over_time(instance:host_cpu", "max(avg_over_time(instance:host_cpu"),
        ("AppUnhandledErrors", 'up{job="app"} offset 2m == 1', "vector(1)"),
        ("AppUnhandledErrors", "[2m15s]", "[1m]"),
        ("HostFilesystemFull", "host_filesystem_readonly == 1", "host_filesystem_readonly > 1"),
        ("HostFilesystemFillingUp", "[6h], 86400) <= 0", "[6h], 86400) < Inf"),
        ("HostFilesystemFillingUp", "[20m] offset 50m)", "[20m] offset 70m)"),
        ("HostFilesystemFillingUp", "offset 110m) - host_filesystem_available_bytes / 24", "offset 110m)"),
        ("HostFilesystemFillingUp", "quantile_over_time(0.5, host_filesystem", "quantile_over_time(0, host_filesystem"),
        ("HostInodesLow", ">= 0.9", "> 0.9"),
        ("HostInodesLow", "host_filesystem_readonly == 1", "host_filesystem_readonly > 1"),
        ("HostFilesystemReadOnly", "[1h] offset 10m) > 0.1", "[1h] offset 10m) > 1"),
        ("HostFilesystemReadOnly", "host_uptime_seconds < 660", "host_uptime_seconds < 0"),
        ("HostFilesystemReadOnly", "readonly[10m]) == 0", "readonly[10m]) >= 0"),
        ("HostFilesystemReadOnly", "offset 6h == 1", "offset 6h == 2"),
        ("HostFilesystemReadOnly", "host_filesystem_stopped == 1", "host_filesystem_stopped == 2"),
        ("HostFilesystemError", "for: 5m", "for: 4m"),
        ("HostFilesystemError", "100 * avg_over_time(host_filesystem_error[10m]) >= 9", "host_filesystem_error > 1"),
        (
            "HostFilesystemError",
            "avg_over_time(host_filesystem_error[10m]) >= 9",
            "avg_over_time(host_filesystem_error[10m]) >= 5",
        ),
        ("HostFilesystemError", "host_filesystem_error[3m]", "host_filesystem_error[9m]"),
        ("HostExporterDown", ') and on (job, instance) up{job="host"}', ")"),
        ("HostExporterDown", 'max by (job, instance) (timestamp(up{job="host"}))', "vector(0) > 1"),
        (
            "HostHighCpu",
            "topk by (job, instance) (1, max by (job, instance, hostname) (timestamp(host_info)))",
            "host_info",
        ),
        ("HostHighCpu", "max by (job, instance, severity) (host_alert", "(host_alert"),
        ("HostHighCpu", "for: 75s", "for: 1m"),
        ("HostHighCpu", "[45s]) >= 3", "[45s]) >= 1"),
        ("PrometheusTargetFileBroken", "for: 2m", "for: 1m"),
        ("PrometheusTargetsMissing", "for: 3m", "for: 1m"),
        ("PrometheusTargetsMissing", "prometheus_target_scrape_pools_failed_total", "nothing"),
        ("AlertmanagerNotificationsFailing", "for: 2m", "for: 1m"),
        ("AlertmanagerNotificationsFailing", 'alertstate="firing", integration', 'alertstate="none", integration'),
        ("AlertmanagerNotificationsFailing", 'integration!="webhook"', 'integration!="none"'),
        ("AlertmanagerNotificationsFailing", "notifications_failed_total[2m30s]", "notifications_failed_total[1m]"),
        ("AlertmanagerNotificationsHanging", '-once"}[2m15s]', '-once"}[15s]'),
        ("AlertmanagerNotificationsHanging", "|heartbeat|.+-once", ""),
        (
            "AlertmanagerNotificationsHanging",
            '{receiver_name="mail-once"}[10m15s]',
            '{receiver_name="mail-once"}[2m15s]',
        ),
        ("AlertmanagerNotificationsHanging", 'and on () count(ALERTS{severity="info", alertstate="firing"})', ""),
        ("AlertmanagerNotificationsHanging", 'alertstate="firing"}[12m45s]', 'alertstate="firing"}[15s]'),
        ("AlertmanagerNotificationsHanging", "[12m45s]) > 0", "[12m45s]) > 100"),
        (
            "AlertmanagerNotificationsHanging",
            'max by (job, instance, integration) (ALERTS{alertname="Al',
            'max by (job) (ALERTS{alertname="No',
        ),
        ("AlertmanagerNotificationsHanging", "alertmanager_notification_requests_total[10m15s]", "nothing[10m15s]"),
        ("PrometheusNotStoring", "absent(up)", "absent(up) > 1"),
        ("PrometheusNotStoring", "for: 70s", "for: 20s"),
        ("PrometheusNotStoring", "max(timestamp(up)) > 45", "max(timestamp(up)) > 145"),
        ("Watchdog", "max(timestamp(up)) < 45", "max(timestamp(up)) < 450"),
        ("Watchdog", "keep_firing_for: 1m", "keep_firing_for: 0s"),
        ("PrometheusDiskLow", "< 500e6", "<= 500e6"),
        ("PrometheusRetentionTooLarge", '{instance="exporter:5000"}', ""),
        ("PrometheusOverloaded", "for: 10m", "for: 4m"),
        ("HostExporterDown", "      >= max(host_alert_threshold_ratio", "      > 2 * max(host_alert_threshold_ratio"),
        (
            "HostExporterDown",
            "topk(3, host_top_process_memory_bytes%s > 0)",
            "topk(2, host_top_process_memory_bytes%s > 0)",
        ),
        ("HostExporterDown", "host_filesystem_readonly%s == 1", "host_filesystem_readonly%s == 2"),
        ("HostExporterDown", 'up{job="host"} offset 150s', 'up{job="host"} offset 90s'),
        ("HostExporterFlapping", 'changes(up{job="host"}[30m]) >= 5', 'changes(up{job="host"}[30m]) >= 3'),
        ("HostExporterFlapping", 'avg_over_time(up{job="host"}[30m]) < 0.9', 'avg_over_time(up{job="host"}[30m]) < 1'),
        ("HostExporterFlapping", 'and up{job="host"} offset 10m', ""),
        ("HostNotAnExporter", "unless on (job, instance) host_exporter_build_info", ""),
        ("HostNotAnExporter", "unless on (job, instance) host_exporter_collector_success", ""),
        ("HostNotAnExporter", "changes(instance:host_exporter_missing:bool[10m]) >= 4", "vector(0)"),
        ("HostNotAnExporter", "scrape_samples_scraped == scrape_samples_post_metric_relabeling", "vector(0)"),
        ("HostNotAnExporter", "host_uptime_seconds|host_exporter_collector_duration_seconds", "host_uptime_seconds"),
        ("HostNotAnExporter", "collector_duration_seconds[3m]) >= 3", "collector_duration_seconds[3m]) >= 300"),
        ("HostNotAnExporter", "host_exporter_collector_success == 1", "up"),
        ("HostTargetGone", "[12h])) > time() - 43200", "[12h])) > time() - 3600"),
        ("HostTargetGone", "keep_firing_for: 3m", "keep_firing_for: 1m"),
        ("HostCollectorFailing", "for: 5m", "for: 6m"),
        ("HostCollectorFailing", "changes(host_exporter_collector_success[10m]) >= 4", "up"),
        ("HostCollectorFailing", "(1 - avg_over_time(host_exporter_collector_success[10m])) >= 9", "vector(0)"),
        ("HostSlowCollection", "collector_duration_seconds) > 2)", "collector_duration_seconds) >= 2)"),
        ("HostRebooted", "< 600", "<= 600"),
        ("HostRebooted", "host_uptime_seconds) >= 300", "host_uptime_seconds) >= 3e12"),
        ("HostRebooted", "abs(delta(host_boot_time_seconds[15m])) > 60", "nothing > 60"),
        ("HostRebooted", "abs(delta(host_boot_time_seconds[15m])) > 60", "abs(delta(host_boot_time_seconds[15m])) > 0"),
        ("HostBatteryLow", "host_battery_plugged == 0", "host_battery_plugged >= 0"),
        (
            "HostBatteryLow",
            "and changes(host_battery_plugged[10m]) >= 4",
            "and changes(host_battery_plugged[10m]) >= 40",
        ),
        ("AppDown", "for: 2m", "for: 1m"),
        ("AppUnhandledErrors", 'seconds{job="app"} < 120)', 'seconds{job="app"} < 0)'),
        ("AppUnhandledErrors", "topk(3, route:", "topk(2, route:"),
        ("AppSlowPrediction", 'seconds{job="app"} < 120)', 'seconds{job="app"} < 0)'),
        ("AppSlowPrediction", 'le="2.0"', 'le="5.0"'),
        ("PrometheusAlertmanagerMissing", "increase(prometheus_notifications_errors_total[2m])", "vector(0)"),
    ],
)
def test_a_changed_rule_is_noticed(tmp_path: Path, alert: str, old: str, new: str) -> None:
    """A test that passes whatever the rule says holds nothing."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    answer = judge(tmp_path, alert, text.replace(old, new))
    assert promtool("check", "rules", "alerts.yml", folder=tmp_path).returncode == 0
    assert answer.returncode != 0
