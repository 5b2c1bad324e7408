"""Real filesystems in states that mountinfo does not show plainly: stopped, covered, bound, or somebody else's."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.support import Enclosed, Scrape, needs_linux, needs_program
from tests.support import fetch
from tests.support_servers import missing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_linux


def image(name: str, kind: str, megabytes: int, *options: str) -> str:
    """Return a shell command that makes a filesystem in a file."""
    needs_program(f"mkfs.{kind}", f"the package of mkfs.{kind}")
    return f"truncate -s {megabytes}M {name}\nmkfs.{kind} -q {' '.join(options)} {name}"


def found(exporter: Enclosed, folder: Path, figure: str) -> dict[str, float]:
    """Return a figure of all filesystems in a folder, by their path in it."""
    return {
        sample.labels["mountpoint"].removeprefix(f"{folder}/"): sample.value
        for sample in Scrape.of(exporter).samples.samples
        if sample.name == f"host_filesystem_{figure}" and sample.labels["mountpoint"].startswith(str(folder))
    }


def findings(exporter: Enclosed, folder: Path) -> list[str]:
    """Return the kinds of findings about the filesystems in a folder."""
    found = json.loads(fetch(f"{exporter.url}/api/stats").text)["findings"]
    return [each["kind"] for each in found if each["subject"].startswith(str(folder))]


@pytest.mark.parametrize("options", ["errors=remount-ro", "errors=continue"])
def test_an_ext4_that_meets_an_error_is_read_only_if_it_stops(tmp_path: Path, options: str) -> None:
    if not os.path.isdir("/sys/fs/ext4"):
        missing("this kernel has no ext4, or no /sys")
    setup = f"cd {tmp_path}\n{image('disk', 'ext4', 16)}\nmkdir m\nmount -o loop,{options} disk m"
    with Enclosed("--max-age", "0", setup=setup) as exporter:
        assert found(exporter, tmp_path, "readonly") == {"m": 0}
        source = exporter.call_inside("findmnt", "-no", "SOURCE", f"{tmp_path}/m").strip()
        trigger = f"echo test > /sys/fs/ext4/{os.path.basename(source)}/trigger_fs_error"
        exporter.call_inside("sh", "-c", trigger)
        stops = options == "errors=remount-ro"
        assert found(exporter, tmp_path, "readonly") == {"m": stops}
        assert findings(exporter, tmp_path) == (["HostFilesystemReadOnly"] if stops else [])
        with exporter.run_inside("touch", f"{tmp_path}/m/new") as touch:
            assert (touch.wait(10) != 0) is stops


def test_an_xfs_that_shuts_down_is_read_only_and_cannot_be_read(tmp_path: Path) -> None:
    needs_program("xfs_io", "xfsprogs")
    setup = f"cd {tmp_path}\n{image('disk', 'xfs', 320)}\nmkdir m\nmount -o loop disk m"
    with Enclosed("--max-age", "0", setup=setup) as exporter:
        assert found(exporter, tmp_path, "readonly") == {"m": 0}
        exporter.call_inside("xfs_io", "-x", "-c", "shutdown", f"{tmp_path}/m")
        assert found(exporter, tmp_path, "readonly") == found(exporter, tmp_path, "error") == {"m": 1}


def test_a_disk_that_is_read_only_at_one_place_and_writable_at_another_is_writable(tmp_path: Path) -> None:
    """As ostree mounts it: /sysroot read-only, /var of the same filesystem writable."""
    setup = f"""cd {tmp_path}
{image("disk", "ext4", 16)}
mkdir sysroot variable-data
mount -o loop disk sysroot
mkdir sysroot/var
mount --bind sysroot/var variable-data
mount -o remount,bind,ro sysroot"""
    with Enclosed("--max-age", "0", setup=setup) as exporter:
        assert found(exporter, tmp_path, "readonly") == {"sysroot": 0}
        exporter.call_inside("mount", "-o", "remount,ro", f"{tmp_path}/variable-data")
        assert found(exporter, tmp_path, "readonly") == {"sysroot": 1}
        assert findings(exporter, tmp_path) == [], "somebody wanted it"


def test_a_mount_that_a_later_one_covers_is_not_shown(tmp_path: Path) -> None:
    setup = f"""cd {tmp_path}
{image("one", "ext4", 8)}
{image("two", "ext4", 8)}
{image("three", "ext4", 8)}
mkdir a
mount -o loop one a
mkdir a/b
mount -o loop two a/b
mount -o loop three a"""
    with Enclosed("--max-age", "0", setup=setup) as exporter:
        assert found(exporter, tmp_path, "error") == {"a": 0}
        exporter.call_inside("umount", f"{tmp_path}/a")
        assert found(exporter, tmp_path, "error") == {"a": 0, "a/b": 0}


def test_a_folder_of_a_btrfs_that_is_mounted_within_it_is_no_error(tmp_path: Path) -> None:
    setup = f"""cd {tmp_path}
{image("disk", "btrfs", 120)}
mkdir m
mount -o loop disk m
mkdir m/data m/again
mount --bind m/data m/again"""
    with Enclosed("--max-age", "0", "--bind-mounts", setup=setup) as exporter:
        assert found(exporter, tmp_path, "error") == {"m": 0, "m/again": 0}
        assert len(set(found(exporter, tmp_path, "size_bytes").values())) == 1


def test_a_fuse_filesystem_of_another_user_is_not_shown_even_to_root(tmp_path: Path) -> None:
    if not os.path.exists("/dev/fuse"):
        missing("this kernel has no /dev/fuse")
    (tmp_path / "m").mkdir()
    with Enclosed("--max-age", "0") as exporter:
        for user, shown in (("1000", {}), ("0", {"m": 0.0})):
            server = exporter.run_inside(sys.executable, "-m", "tests.faults.silent_mount", f"{tmp_path}/m", user)
            assert server.stdin
            assert server.stdout
            assert server.stdout.readline() == "mounted\n"
            server.stdin.write("answer\n")
            server.stdin.flush()
            assert found(exporter, tmp_path, "error") == shown
            exporter.call_inside("umount", "--lazy", f"{tmp_path}/m")
            server.kill()
            server.communicate()
