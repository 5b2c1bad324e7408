"""A snapshot as one flat row."""

from __future__ import annotations

from dataclasses import replace

from exporter.collectors.battery import Battery
from exporter.collectors.filesystem import Filesystems
from exporter.recording.formats import CsvFormat, JsonLinesFormat
from exporter.render.rows import COLUMNS, row
from tests.render.figures import GIB, SYSTEM, cpu, filesystem, processes, snapshot, whole


def test_every_column_has_its_figure() -> None:
    assert row(whole()) == {
        "time": "2026-01-31T08:05:00.250Z",
        "hostname": "zebra",
        "level": "ok",
        "uptime_seconds": 90061.0,
        "cpu_usage_ratio": 0.42,
        "load1": 0.5,
        "memory_total_bytes": 8 * GIB,
        "memory_used_bytes": 4 * GIB,
        "memory_usage_ratio": 0.5,
        "swap_used_bytes": GIB,
        "filesystem_mountpoint": "/",
        "filesystem_usage_ratio": 0.3,
        "filesystem_available_bytes": 70 * GIB,
        "disk_read_bytes_total": 11,
        "disk_written_bytes_total": 22,
        "network_receive_bytes_total": 1005,
        "network_transmit_bytes_total": 2007,
        "battery_charge_ratio": 0.73,
        "battery_plugged": False,
        "processes": 310,
        "top_cpu_name": "python3 train.py",
        "top_cpu_cores": 1.9,
        "top_memory_name": "postgres",
        "top_memory_bytes": 5 * GIB,
    }


def test_the_columns_are_in_their_documented_order_whatever_is_known() -> None:
    for sample in (whole(), snapshot(), snapshot(processes()), snapshot(cpu(0.5), failed={"memory": "no"})):
        assert list(row(sample)) == list(COLUMNS)


def test_unknown_values_are_empty() -> None:
    values = row(snapshot())
    assert {name for name, value in values.items() if value is not None} == {"time", "level"}
    assert CsvFormat().line(values) == "2026-01-31T08:05:00.250Z,,ok" + "," * (len(COLUMNS) - 3) + "\n"


def test_the_level_is_the_worst() -> None:
    assert row(whole(cpu_usage=0.8))["level"] == "warning"
    assert row(whole(cpu_usage=0.8, disk_usage=0.9))["level"] == "critical"


def test_ratios_are_short_and_zero_is_not_unknown() -> None:
    values = row(snapshot(cpu(0.0)))
    assert values["cpu_usage_ratio"] == 0.0
    assert row(snapshot(cpu(1 / 3)))["cpu_usage_ratio"] == 0.3333
    assert row(snapshot(cpu(None)))["cpu_usage_ratio"] is None


def test_filesystems_that_cannot_be_read_are_not_the_fullest() -> None:
    filesystems = Filesystems((filesystem("/dead", None, "no answer"), filesystem("/", 0.2)))
    assert row(snapshot(filesystems))["filesystem_mountpoint"] == "/"
    only_dead = Filesystems((filesystem("/dead", None, "no answer"),))
    assert row(snapshot(only_dead))["filesystem_mountpoint"] is None


def test_a_machine_without_processes_in_the_list_has_a_row() -> None:
    values = row(snapshot(processes(())))
    assert (values["processes"], values["top_cpu_name"]) == (310, None)


def test_booleans_are_1_and_0_in_csv_and_words_in_json() -> None:
    for plugged, table, text in ((True, ",1,", "true"), (False, ",0,", "false"), (None, ",,", "null")):
        values = row(snapshot(Battery(0.5, plugged, None)))
        assert f"0.5{table}" in CsvFormat().line(values)
        assert f'"battery_plugged": {text}' in JsonLinesFormat().line(values)


def test_no_name_breaks_a_line() -> None:
    """Collectors return only printable text; if a line break does slip through, quoting keeps the row one record."""
    values = row(snapshot(replace(SYSTEM, hostname='a,"b"')))
    for form in (CsvFormat(), JsonLinesFormat()):
        assert form.line(values).count("\n") == 1
        assert form.line(values).endswith("\n")
