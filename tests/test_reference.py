"""The metrics are exactly those promised, and docs/metrics.md lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tools.reference import REFERENCE, families, labels_of, name_of, reference

if TYPE_CHECKING:
    from prometheus_client.core import Metric

FILESYSTEM = ("device", "mountpoint", "fstype")
SMART = ("device", "model", "serial")
# The promise: rules, dashboards and users depend on each of these names, types and labels.
PROMISED: dict[str, tuple[str, tuple[str, ...]]] = {
    "host_info": ("gauge", ("hostname", "system", "os", "release", "machine")),
    "host_boot_time_seconds": ("gauge", ()),
    "host_uptime_seconds": ("gauge", ()),
    "host_clock_time_seconds": ("gauge", ()),
    "host_clock_synchronized": ("gauge", ()),
    "host_clock_offset_seconds": ("gauge", ()),
    "host_clock_error_seconds": ("gauge", ()),
    "host_reboot_required": ("gauge", ()),
    "host_last_shutdown_clean": ("gauge", ()),
    "host_cpu_usage_ratio": ("gauge", ()),
    "host_cpu_core_usage_ratio": ("gauge", ("core",)),
    "host_cpu_seconds_total": ("counter", ("mode",)),
    "host_logical_cpus": ("gauge", ()),
    "host_physical_cores": ("gauge", ()),
    "host_load1": ("gauge", ()),
    "host_load5": ("gauge", ()),
    "host_load15": ("gauge", ()),
    "host_memory_total_bytes": ("gauge", ()),
    "host_memory_available_bytes": ("gauge", ()),
    "host_memory_free_bytes": ("gauge", ()),
    "host_memory_used_bytes": ("gauge", ()),
    "host_memory_usage_ratio": ("gauge", ()),
    "host_swap_total_bytes": ("gauge", ()),
    "host_swap_used_bytes": ("gauge", ()),
    "host_swap_usage_ratio": ("gauge", ()),
    "host_oom_kills_total": ("counter", ()),
    "host_swap_in_bytes_total": ("counter", ()),
    "host_swap_out_bytes_total": ("counter", ()),
    "host_major_page_faults_total": ("counter", ()),
    "host_filesystem_size_bytes": ("gauge", FILESYSTEM),
    "host_filesystem_used_bytes": ("gauge", FILESYSTEM),
    "host_filesystem_available_bytes": ("gauge", FILESYSTEM),
    "host_filesystem_usage_ratio": ("gauge", FILESYSTEM),
    "host_filesystem_inodes_usage_ratio": ("gauge", FILESYSTEM),
    "host_filesystem_readonly": ("gauge", FILESYSTEM),
    "host_filesystem_stopped": ("gauge", ("device", "mountpoint", "fstype")),
    "host_filesystem_error": ("gauge", FILESYSTEM),
    "host_filesystem_errors_total": ("counter", ("device",)),
    "host_filesystem_last_error_timestamp_seconds": ("gauge", ("device",)),
    "host_btrfs_device_errors_total": ("counter", ("filesystem", "device", "kind")),
    "host_btrfs_device_missing": ("gauge", ("filesystem", "device")),
    "host_raid_degraded_members": ("gauge", ("device", "level")),
    "host_raid_members": ("gauge", ("device", "state")),
    "host_raid_member_info": ("gauge", ("device", "member", "state")),
    "host_raid_sync_ratio": ("gauge", ("device", "action")),
    "host_pool_state": ("gauge", ("pool", "type", "state")),
    "host_prometheus_disk_size_bytes": ("gauge", ()),
    "host_prometheus_disk_available_bytes": ("gauge", ()),
    "host_disk_read_bytes_total": ("counter", ("device",)),
    "host_disk_written_bytes_total": ("counter", ("device",)),
    "host_disk_reads_completed_total": ("counter", ("device",)),
    "host_disk_writes_completed_total": ("counter", ("device",)),
    "host_disk_busy_seconds_total": ("counter", ("device",)),
    "host_disk_read_seconds_total": ("counter", ("device",)),
    "host_disk_write_seconds_total": ("counter", ("device",)),
    "host_disk_queue_seconds_total": ("counter", ("device",)),
    "host_disk_unanswered_seconds": ("gauge", ("device",)),
    "host_disk_rotational": ("gauge", ("device",)),
    "host_network_up": ("gauge", ("interface",)),
    "host_network_speed_bytes": ("gauge", ("interface",)),
    "host_network_receive_bytes_total": ("counter", ("interface",)),
    "host_network_receive_packets_total": ("counter", ("interface",)),
    "host_network_receive_errors_total": ("counter", ("interface",)),
    "host_network_receive_dropped_total": ("counter", ("interface",)),
    "host_network_transmit_bytes_total": ("counter", ("interface",)),
    "host_network_transmit_packets_total": ("counter", ("interface",)),
    "host_network_transmit_errors_total": ("counter", ("interface",)),
    "host_network_transmit_dropped_total": ("counter", ("interface",)),
    "host_textfile_mtime_seconds": ("gauge", ("file",)),
    "host_textfile_error": ("gauge", ("file",)),
    "host_backup_last_success_timestamp_seconds": ("gauge", ("job",)),
    "host_backup_max_age_seconds": ("gauge", ("job",)),
    "host_disk_smart_healthy": ("gauge", SMART),
    "host_disk_smart_problem": ("gauge", ("device", "model", "problem", "serial")),
    "host_disk_wear_ratio": ("gauge", SMART),
    "host_disk_spare_ratio": ("gauge", SMART),
    "host_disk_media_errors_total": ("counter", SMART),
    "host_disk_reallocated_sectors": ("gauge", SMART),
    "host_flash_wear_ratio": ("gauge", ("device", "kind")),
    "host_flash_end_of_life": ("gauge", ("device",)),
    "host_battery_charge_ratio": ("gauge", ()),
    "host_battery_plugged": ("gauge", ()),
    "host_battery_remaining_seconds": ("gauge", ()),
    "host_temperature_celsius": ("gauge", ("chip", "sensor")),
    "host_temperature_limit_celsius": ("gauge", ("chip", "sensor", "severity")),
    "host_temperature_alarm": ("gauge", ("chip", "sensor")),
    "host_fan_rpm": ("gauge", ("chip", "sensor")),
    "host_fan_alarm": ("gauge", ("chip", "sensor")),
    "host_voltage_volts": ("gauge", ("chip", "sensor")),
    "host_voltage_alarm": ("gauge", ("chip", "sensor")),
    "host_cpu_throttles_total": ("counter", ("scope",)),
    "host_memory_errors_total": ("counter", ("kind",)),
    "host_file_descriptors_used": ("gauge", ()),
    "host_file_descriptors_limit": ("gauge", ()),
    "host_threads_used": ("gauge", ()),
    "host_threads_limit": ("gauge", ()),
    "host_conntrack_entries": ("gauge", ()),
    "host_conntrack_limit": ("gauge", ()),
    "host_top_process_threads": ("gauge", ("name",)),
    "host_hung_tasks_total": ("counter", ()),
    "host_tcp_retransmitted_segments_total": ("counter", ()),
    "host_tcp_listen_overflows_total": ("counter", ()),
    "host_pressure_waiting_seconds_total": ("counter", ("resource",)),
    "host_pressure_stalled_seconds_total": ("counter", ("resource",)),
    "host_processes": ("gauge", ("state",)),
    "host_top_process_cpu_cores": ("gauge", ("name",)),
    "host_top_process_memory_bytes": ("gauge", ("name",)),
    "host_top_process_instances": ("gauge", ("name",)),
    "host_top_process_major_faults": ("gauge", ("name",)),
    "host_oom_next_victim_memory_bytes": ("gauge", ("name",)),
    "host_level": ("gauge", ()),
    "host_alert_threshold_ratio": ("gauge", ("resource", "severity")),
    "host_exporter_collector_duration_seconds": ("gauge", ("collector",)),
    "host_exporter_collector_success": ("gauge", ("collector",)),
    "host_exporter_collector_errors_total": ("counter", ("collector",)),
    "host_exporter_values_dropped_total": ("counter", ("collector",)),
    "host_exporter_collector_age_seconds": ("gauge", ("collector",)),
    "host_exporter_build_info": ("gauge", ("version", "python")),
}


@pytest.fixture(scope="module")
def given() -> dict[str, Metric]:
    """Every metric family, by name."""
    found = [family for _, _, section in families() for family in section]
    named = {name_of(family): family for family in found}
    assert len(named) == len(found), "a family occurs twice"
    return named


def test_the_metrics_are_exactly_those_promised(given: dict[str, Metric]) -> None:
    assert {name: (family.type, labels_of(family)) for name, family in given.items()} == PROMISED


def test_every_sample_of_a_family_has_the_same_labels(given: dict[str, Metric]) -> None:
    for name, family in given.items():
        assert {tuple(sample.labels) for sample in family.samples} == {PROMISED[name][1]}


def test_every_metric_says_what_it_is_in_a_sentence(given: dict[str, Metric]) -> None:
    for family in given.values():
        assert not family.documentation[0].islower()
        assert family.documentation.endswith(".")


def test_the_reference_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run: make docs"
