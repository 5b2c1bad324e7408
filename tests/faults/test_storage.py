"""Real faults of what data is kept on: an ext4 that meets an error, a btrfs that loses a device or finds wrong data."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tests.faults.support import Enclosed, Scrape, needs_linux
from tests.faults.test_filesystems import image
from tests.support import fetch
from tests.support_servers import missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_linux

LOSS = """umount m
losetup -d "$two"
btrfs device scan --forget || true
mount -o degraded "$one" m"""
DAMAGE = """dd if=/dev/urandom of=two bs=1M seek=24 count=96 conv=notrunc status=none
sync
echo 3 > /proc/sys/vm/drop_caches
btrfs scrub start -B m || true"""


def found(exporter: Enclosed) -> list[dict[str, Any]]:
    """Return the findings that these tests cause."""
    stats = json.loads(fetch(f"{exporter.url}/api/stats").text)
    kinds = {"HostFilesystemErrors", "HostPoolDegraded"}
    return [each for each in stats["findings"] if each["kind"] in kinds]


def mirror(folder: Path, fault: str) -> str:
    """Return the commands that mount a btrfs on two disks and do something to it.

    What changes slowly is read at start, so all this comes before. A detached disk is freed with the last that uses it.
    """
    if not os.path.isdir("/sys/fs/btrfs"):
        missing("this kernel has no btrfs, or no /sys")
    return f"""cd {folder}
{image("one", "btrfs", 128).splitlines()[0]}
truncate -s 128M two
one=$(losetup -f --show one)
two=$(losetup -f --show two)
mkfs.btrfs -q -L mirror -d raid1 -m raid1 "$one" "$two"
mkdir m
mount "$one" m
dd if=/dev/urandom of=m/data bs=1M count=32 status=none
sync
{fault}
losetup -d "$one"
losetup -d "$two" 2>&- || true"""


def test_an_ext4_that_meets_an_error_and_goes_on_writing_is_critical(tmp_path: Path) -> None:
    if not os.path.isdir("/sys/fs/ext4"):
        missing("this kernel has no ext4, or no /sys")
    setup = f"cd {tmp_path}\n{image('disk', 'ext4', 16)}\nmkdir m\nmount -o loop,errors=continue disk m"
    setup += "\nname=$(basename $(findmnt -no SOURCE m))\necho test > /sys/fs/ext4/$name/trigger_fs_error"
    with Enclosed("--max-age", "0", setup=setup) as exporter:
        name = os.path.basename(exporter.call_inside("findmnt", "-no", "SOURCE", f"{tmp_path}/m").strip())
        scrape = Scrape.of(exporter)
        assert scrape.value("host_filesystem_errors_total", device=name) == 1
        assert scrape.value("host_filesystem_last_error_timestamp_seconds", device=name)
        (error,) = [each for each in found(exporter) if each["subject"] == name]
        assert error["level"] == "critical"
        assert f"{tmp_path}/m" in error["text"]


def test_a_btrfs_that_is_mounted_without_a_device_is_critical(tmp_path: Path) -> None:
    with Enclosed("--max-age", "0", setup=mirror(tmp_path, LOSS)) as exporter:
        scrape = Scrape.of(exporter)
        of = {"filesystem": "mirror", "device": "devid 2"}
        assert scrape.value("host_btrfs_device_missing", **of) == 1
        (lost,) = [each for each in found(exporter) if each["subject"] == "mirror"]
        assert lost == {
            "kind": "HostPoolDegraded",
            "level": "critical",
            "subject": "mirror",
            "text": "Pool mirror is mounted without devid 2",
        }


def test_wrong_data_on_one_disk_of_a_btrfs_is_counted_for_that_disk(tmp_path: Path) -> None:
    with Enclosed("--max-age", "0", setup=mirror(tmp_path, DAMAGE)) as exporter:
        name = exporter.call_inside("losetup", "-n", "-O", "NAME", "-j", f"{tmp_path}/two").strip()
        counts = {
            sample.labels["device"]: sample.value
            for sample in Scrape.of(exporter).samples.samples
            if sample.name == "host_btrfs_device_errors_total"
            and sample.labels["filesystem"] == "mirror"
            and sample.labels["kind"] == "corruption_errs"
        }
        assert counts.pop(os.path.basename(name)) > 0
        assert list(counts.values()) == [0]
