"""Panels of Host: how disks are and whether backups are fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import panels, style
from grafana.style import rows, select_one

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import table, timeseries

VERDICTS = {"0": ("failing", style.CRITICAL), "1": ("healthy", style.OK)}


def disk_health() -> table.Panel:
    """Return what SMART says of each disk."""
    by = "device, model, serial"
    columns = {
        "A": "host_disk_smart_healthy",
        "B": "host_disk_wear_ratio",
        "C": "host_disk_spare_ratio",
        "D": "host_disk_media_errors_total",
        "E": "host_disk_reallocated_sectors",
    }
    panel = panels.list_of(
        "Disk health",
        "What SMART says of each disk, once an hour (packaging/smart). Good: healthy, media errors 0, and replaced "
        "sectors that do not grow. Wear near 100 %: runbook HostDiskWorn. Empty without that timer.",
        *(rows(f"max by ({by}) ({select_one(metric)})", ref) for ref, metric in columns.items()),
    )
    names = {
        "device": "Disk", "Value #A": "Verdict", "Value #B": "Wear", "Value #C": "Spare blocks",
        "Value #D": "Media errors", "Value #E": "Replaced sectors", "model": "Model", "serial": "Serial number",
    }  # fmt: skip
    panel = panel.with_transformation(style.columns(names, ["Time"]))
    verdicts = [*style.words(VERDICTS), style.missing(panels.NOT_KNOWN)]
    panel = panel.override_by_name(
        "Verdict", [style.property_of("mappings", verdicts), *style.coloured_text(), style.width(90)]
    )
    for name, width in {"Wear": 80, "Spare blocks": 120}.items():
        shares = [style.property_of("unit", style.RATIO), style.property_of("decimals", 0), style.width(width)]
        panel = panel.override_by_name(name, shares)
    for name, width in {"Media errors": 120, "Replaced sectors": 150}.items():
        panel = panel.override_by_name(name, [style.property_of("decimals", 0), style.width(width)])
    return panel.override_by_name("Disk", [style.width(110)])


def wear() -> timeseries.Panel:
    """Return the wear of the most worn disks over time."""
    worn = f"({select_one('host_disk_wear_ratio')} or max without (kind) ({select_one('host_flash_wear_ratio')}))"
    most = (
        f"({style.in_range('max_over_time', select_one('host_disk_wear_ratio'))} or "
        f"max without (kind) ({style.in_range('max_over_time', select_one('host_flash_wear_ratio'))}))"
    )
    panel = panels.graph(
        "Wear",
        "Used share of the writes that the maker of an SSD or an eMMC promises, the five most worn. Good: a slope of "
        "years. From 80 % on there is a warning. A steeper slope: something writes more than before; compare with "
        '"Disk traffic".',
        style.RATIO,
        *style.ranked(worn, "job, instance, device, serial", "{{device}} {{model}}", "A", (5, most)),
    )
    return panel.max(1).fill_opacity(0).legend(style.legend("max", beside=True))


def backups() -> timeseries.Panel:
    """Return the age of the oldest backups."""
    last = select_one("host_backup_last_success_timestamp_seconds")
    panel = panels.graph(
        "Backups",
        "Time since each backup last succeeded, the five oldest. Good: a saw that falls to 0 each day. A line that "
        "only rises: the backup fails; runbook HostBackupStale. Empty until a backup records its success "
        "(docs/textfiles.md).",
        style.SECONDS,
        *style.ranked(
            f"(time() - {last})",
            "job, instance, exported_job",
            "{{exported_job}}",
            "A",
            (5, f"(-{style.in_range('max_over_time', last)})"),
        ),
    )
    return panel.fill_opacity(0).legend(style.legend("max", beside=True))
