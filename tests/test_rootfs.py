"""``--rootfs``: an exporter in a container shows the host, and nothing of the container."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

import pytest

from exporter.sources.host import LINUX
from tests.machines import FixtureMachine, copy_fixture
from tests.support import Exporter, Samples, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not LINUX, reason="--rootfs is for Linux containers")

MOUNTPOINTS = {"/", "/boot/efi", "/home", "/media/ann/My Disk", "/mnt/late", "/mnt/nas"}
INTERFACES = {"enp0s31f6", "enp3s0", "wlp4s0"}
PROCESSES = {1, 57, 58, *range(701, 711), 712}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_fixture("laptop", tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def stats(root: Path) -> dict[str, Any]:
    """What the real command ``stats`` prints for the tree."""
    answer = run("stats", "--rootfs", str(root), "--top", "50")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


@pytest.fixture(scope="module")
def samples(root: Path) -> Iterator[Samples]:
    """What the real command ``serve`` exposes for the tree, with the root set by the variable."""
    with Exporter(env={"HOST_EXPORTER_ROOTFS": str(root)}) as exporter:
        yield exporter.samples()


def test_no_collector_fails(stats: dict[str, Any], samples: Samples) -> None:
    assert {name: each["error"] for name, each in stats["collectors"].items() if not each["success"]} == {}
    names = samples.labels("host_exporter_collector_success", "collector")
    assert {samples.value("host_exporter_collector_success", collector=name) for name in names} == {1}


def test_names_and_times_are_the_hosts(stats: dict[str, Any], samples: Samples) -> None:
    system = stats["system"]
    assert (system["hostname"], system["os"]) == ("aspen", "Debian GNU/Linux 13 (trixie)")
    assert (system["release"], system["machine"]) == ("6.12.9-amd64", "x86_64")
    assert (system["uptime_seconds"], system["boot_time_seconds"], system["load1"]) == (12345.67, 1767225600, 0.52)
    assert samples.labels("host_info", "hostname") == {"aspen"}
    assert samples.value("host_uptime_seconds") == 12345.67


def test_mounts_are_the_hosts(stats: dict[str, Any], samples: Samples) -> None:
    assert {each["mountpoint"] for each in stats["filesystem"]["filesystems"]} == MOUNTPOINTS
    assert samples.labels("host_filesystem_error", "mountpoint") == MOUNTPOINTS


def test_no_figures_of_this_machines_disk_stand_under_the_hosts_mountpoints(
    stats: dict[str, Any], samples: Samples
) -> None:
    """The tree is files on our own disk: its paths lead to another filesystem, or to nothing."""
    for each in stats["filesystem"]["filesystems"]:
        assert each["error"]
        assert each["size_bytes"] is each["usage_ratio"] is None
        assert samples.value("host_filesystem_error", mountpoint=each["mountpoint"]) == 1
    assert "host_filesystem_size_bytes" not in samples.names()


def test_interfaces_and_their_links_are_the_hosts(stats: dict[str, Any], samples: Samples) -> None:
    assert {each["interface"] for each in stats["network"]["interfaces"]} == INTERFACES
    assert samples.labels("host_network_receive_bytes_total", "interface") == INTERFACES
    assert samples.value("host_network_speed_bytes", interface="enp3s0") == 125_000_000


def test_processes_and_their_users_are_the_hosts(stats: dict[str, Any], samples: Samples) -> None:
    shown = {each["pid"]: each for each in stats["processes"]["processes"]}
    assert stats["processes"]["total"] == len(PROCESSES)
    assert {703, 701, 705} <= set(shown) <= PROCESSES
    assert (shown[701]["user"], shown[703]["user"]) == ("ann", "4242")
    assert "python3 train.py" in samples.labels("host_top_process_memory_bytes", "name")


def test_the_rest_is_the_hosts(samples: Samples) -> None:
    assert samples.value("host_memory_total_bytes") == 16_777_216_000
    assert samples.value("host_cpu_seconds_total", mode="user") == 1000
    assert samples.value("host_physical_cores") == 2
    assert samples.labels("host_disk_read_bytes_total", "device") == {"nvme0n1", "sdb"}
    assert samples.value("host_battery_charge_ratio") == 0.75
    assert samples.value("host_temperature_celsius", chip="nvme nvme0") == 38.85
    assert samples.value("host_pressure_waiting_seconds_total", resource="memory") == 0.04


def test_nothing_of_this_machine_is_shown(stats: dict[str, Any]) -> None:
    text = json.dumps(stats)
    for own in (platform.node(), platform.release(), str(os.getpid())):
        assert f'"{own}"' not in text
    assert os.getpid() not in {each["pid"] for each in stats["processes"]["processes"]}


def test_a_minimal_host_is_shown_without_a_failure(tmp_path: Path) -> None:
    answer = run("stats", "--rootfs", f"{copy_fixture('server', tmp_path)}/")
    found = json.loads(answer.stdout)
    assert answer.stderr == ""
    assert {name for name, each in found["collectors"].items() if not each["success"]} == set()
    assert found["system"]["hostname"] == "unknown"
    assert (found["battery"], found["temperature"], found["pressure"]) == (None, None, None)


def test_a_proc_that_is_empty_or_of_another_system_is_no_machine_without_disks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may become so while the exporter runs: the mount goes away."""
    machine = FixtureMachine("server", tmp_path, monkeypatch)
    machine.remove("proc")
    machine.write("proc/README", "nothing here")
    errors = {reading.collector: reading.error or "" for reading in machine.sample().failures()}
    assert "shows no process" in errors["processes"]
    for name in ("disk", "pressure", "filesystem", "network"):
        assert "not the /proc of a Linux" in errors[name]
    assert errors.keys() >= {"cpu", "memory"}


def test_a_sandbox_without_disks_or_pressure_is_shown_without_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in gVisor, whose /proc has neither."""
    machine = FixtureMachine("server", tmp_path, monkeypatch)
    machine.remove("proc/diskstats")
    assert not machine.sample().failures()
