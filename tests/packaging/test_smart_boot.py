"""The timer of packaging/smart is installed as packaging/README.md says and run by a real systemd."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.machine import Machine
from tests.packaging.test_smart import FAKE, RECORDED, SIX
from tests.packaging.test_systemd_boot import steps
from tests.support import Samples, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SMART = "host-exporter-smart"
FILE = "var/lib/host-exporter/textfile/smart.prom"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        shutil.copytree(ROOT / "packaging", machine.root / "src/packaging")
        folder = machine.root / "local/lib/smart"
        shutil.copytree(RECORDED, folder / "recorded")
        # As a disk's answers come by smartctl, this one knows recorded ones; it is found before the machine's own.
        fake = FAKE.replace(repr(str(RECORDED)), "'/usr/local/lib/smart/recorded'")
        fake = fake.replace("pathlib.Path(__file__).parent", "pathlib.Path('/usr/local/lib/smart')")
        fake = fake.replace('(here / "asked").open("a")', 'open("/dev/null", "a")')
        program = machine.root / "local/bin/smartctl"
        program.write_text("#!/usr/bin/python3\n" + fake.partition("\n")[2])
        program.chmod(0o755)
        (folder / "disks.json").write_text(json.dumps(SIX))
        (folder / "edits.json").write_text("[]")
        result = machine.run(steps("the disks' timer"))
        assert result.returncode == 0, result.stderr + journal(machine)
        yield machine


def journal(machine: Machine) -> str:
    return machine.run(f"journalctl --unit {SMART} --no-pager").stdout


def test_it_writes_what_the_disks_say(machine: Machine) -> None:
    samples = Samples.parse((machine.root / FILE).read_text())
    assert samples.value("host_disk_smart_healthy", device="sdd") == 0
    assert len(samples.labels("host_disk_smart_healthy", "device")) == 6
    assert "disks: 6; without SMART: sde" in journal(machine)


def test_the_timer_runs_it_and_a_failed_run_leaves_the_file(machine: Machine) -> None:
    listed = machine.run(f"systemctl list-timers --no-pager {SMART}.timer").stdout
    assert f"{SMART}.service" in listed
    before = (machine.root / FILE).stat()
    machine.run("mv /usr/local/bin/smartctl /usr/local/bin/away; printf '#!/bin/sh\\n' > /usr/local/bin/smartctl")
    machine.run("chmod +x /usr/local/bin/smartctl")
    assert machine.run(f"systemctl start {SMART}.service").returncode != 0
    assert (machine.root / FILE).stat() == before
    machine.run("mv /usr/local/bin/away /usr/local/bin/smartctl")
    time.sleep(0.1)
    assert machine.run(f"systemctl start {SMART}.service").returncode == 0
    assert (machine.root / FILE).stat().st_mtime > before.st_mtime


def test_the_real_smartctl_runs_in_the_sandbox(machine: Machine) -> None:
    if not Path("/usr/sbin/smartctl").exists():
        pytest.skip("smartmontools is not installed")
    machine.run("mv /usr/local/bin/smartctl /usr/local/bin/away")
    result = machine.run(f"systemctl start {SMART}.service")
    machine.run("mv /usr/local/bin/away /usr/local/bin/smartctl")
    assert result.returncode == 0, journal(machine)
    assert "disks: 0" in journal(machine), "a container has no disks of its own"


def test_it_has_the_rights_that_it_needs_and_no_others(machine: Machine) -> None:
    said = machine.run(f"systemd-analyze security --no-pager {SMART}.service").stdout
    assert "Overall exposure level" in said
    exposure = float(said.rpartition(f"{SMART}.service: ")[2].split()[0])
    assert f"host-exporter-smart` rates it {exposure:g} of 10" in (ROOT / "packaging/README.md").read_text(
        encoding="utf-8"
    )


def test_it_is_removed_without_a_trace(machine: Machine) -> None:
    wait_for(lambda: machine.run(f"systemctl is-active {SMART}.service").stdout.strip() != "activating", 30)
    result = machine.run(steps("removal of the disks' timer"))
    assert result.returncode == 0, result.stderr
    assert machine.run(f"find / -xdev -name '*{SMART}*' -not -path '/src/*' -not -path '/proc/*'").stdout == ""
