"""The unit is installed with the commands of packaging/README.md, run by a real systemd, scraped and removed."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.machine import Machine
from tests.support import Samples, wait_for
from tests.support_access import TLS, Authority, login, users

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "packaging/README.md").read_text(encoding="utf-8")
ALL_MOUNTS = "HOST_EXPORTER_EXCLUDE_FSTYPES=none\nHOST_EXPORTER_BIND_MOUNTS=true\nHOST_EXPORTER_EXPORT_CSV=rows.csv\n"
REPLACED = ("/dev", "/proc", "/sys", "/run", "/tmp")
"""Filesystems that the kernel or the sandbox itself provides."""


def steps(name: str) -> str:
    """Return the README's commands below the comment with this name."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


@pytest.fixture(scope="module")
def machine(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the service installed and running."""
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        shutil.copytree(ROOT / "packaging", machine.root / "src/packaging")
        shutil.copytree(built.parent, machine.root / "src/dist")
        for name in ("the file", "the service"):
            result = machine.run(steps(name))
            assert result.returncode == 0, result.stderr
        assert "active (running)" in result.stdout
        wait_for(lambda: machine.run("host-exporter health").returncode == 0, 30, machine.log)
        yield machine


def property_of(machine: Machine, name: str) -> str:
    return machine.run(f"systemctl show --property={name} --value host-exporter").stdout.strip()


def test_every_collector_works_inside_the_sandbox(machine: Machine) -> None:
    samples = Samples.parse(machine.get("/metrics"))
    succeeded = [s for s in samples.samples if s.name == "host_exporter_collector_success"]
    assert succeeded
    assert not [s.labels for s in succeeded if s.value != 1]
    assert machine.run("journalctl --unit host-exporter --priority warning --quiet").stdout == ""


def test_it_may_ask_whether_the_clock_is_right_and_cannot_set_it(machine: Machine) -> None:
    """Both are one system call, so the unit's filter has to allow it; the kernel asks for a capability to set it."""
    samples = Samples.parse(machine.get("/metrics"))
    assert samples.value("host_clock_synchronized") in {0, 1}
    script = "import ctypes; t = (ctypes.c_char * 512)(); t[0] = 16; print(ctypes.CDLL(None).adjtimex(t))"  # ADJ_STATUS
    pid = property_of(machine, "MainPID")
    status = machine.run(f"cat /proc/{pid}/status").stdout
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    user = machine.run(f"stat --format=%u /proc/{pid}").stdout.strip()
    asked = machine.run(f"setpriv --reuid={user} --clear-groups --bounding-set=-all /usr/bin/python3 -c '{script}'")
    assert asked.stdout.strip() in {"-1", ""}, "it could set the clock"


def test_it_has_no_rights(machine: Machine) -> None:
    status = machine.run(f"cat /proc/{property_of(machine, 'MainPID')}/status").stdout
    assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    user = int(re.findall(r"^Uid:\s+(\d+)", status, re.MULTILINE)[0])
    assert 61184 <= user <= 65519, "a dynamic user"


def test_it_sees_the_processes_of_everybody_with_their_users(machine: Machine) -> None:
    users = dict(line.split() for line in machine.run("ps -e -o pid= -o user:32=").stdout.splitlines())
    shown = {str(each["pid"]): each["user"] for each in json.loads(machine.get("/api/stats"))["processes"]["processes"]}
    known = {pid for pid in users.keys() & shown.keys() if re.fullmatch("[a-z]+", users[pid])}
    assert {pid: shown[pid] for pid in known} == {pid: users[pid] for pid in known}
    assert shown["1"] == "root"
    assert set(shown.values()) > {"root"}


def test_it_shows_the_mounts_of_the_machine_and_none_of_its_sandbox(machine: Machine) -> None:
    (machine.root / "etc/host-exporter.env").write_text(ALL_MOUNTS)
    assert machine.run("mkdir /home/early; mount -t tmpfs -o size=1M early /home/early").returncode == 0
    assert machine.run("systemctl restart host-exporter").returncode == 0
    wait_for(lambda: machine.run("host-exporter health").returncode == 0, 30, machine.log)
    assert machine.run("mkdir /srv/late; mount -t tmpfs -o size=2M late /srv/late").returncode == 0
    time.sleep(1.1)  # a sample is shared for a second
    samples = Samples.parse(machine.get("/metrics"))
    true = {line.split()[4] for line in machine.run("cat /proc/1/mountinfo").stdout.splitlines()}
    assert samples.labels("host_filesystem_error", "mountpoint") == true
    failing = {s.labels["mountpoint"] for s in samples.samples if s.name == "host_filesystem_error" and s.value}
    assert not {path for path in failing if not path.startswith(REPLACED)}
    assert samples.value("host_filesystem_size_bytes", mountpoint="/home/early") == 1 << 20
    assert samples.value("host_filesystem_size_bytes", mountpoint="/srv/late") == 2 << 20
    assert samples.value("host_filesystem_readonly", mountpoint="/home/early") == 0
    wait_for((machine.root / "var/lib/private/host-exporter/rows.csv").exists, 30, machine.log)


@pytest.mark.parametrize("which", ["the first process", "the one that serves"])
def test_it_comes_back_after_a_crash(machine: Machine, which: str) -> None:
    before = property_of(machine, "MainPID")
    machine.run(f"pkill -KILL -P {before}" if which == "the one that serves" else f"kill -KILL {before}")
    wait_for(lambda: property_of(machine, "MainPID") not in {before, "0"}, 30, machine.log)
    wait_for(lambda: machine.run("host-exporter health").returncode == 0, 30, machine.log)
    # Until systemd has reaped the killed processes, pgrep lists them, too.
    wait_for(lambda: len(machine.run("pgrep -x host-exporter").stdout.split()) == 2, 30, machine.log)


def test_its_key_is_roots_alone_and_it_asks_for_a_password_all_the_same(machine: Machine) -> None:
    files = machine.root / "src/access"
    files.mkdir()
    Authority(files).issue("exporter")
    (files / "exporter.key").chmod(0o600)
    (files / "web-config.yml").write_text(TLS.replace("server.", "exporter.") + users())
    result = machine.run(f"cd access && {steps('TLS and a password')}")
    assert result.returncode == 0, result.stderr
    wait_for(lambda: machine.run("host-exporter health").returncode == 0, 30, machine.log)
    assert machine.status("https", "/metrics", {}) == 401
    assert machine.status("https", "/metrics", login()) == 200
    # The following tests send no password.
    machine.run("rm -r /etc/systemd/system/host-exporter.service.d; systemctl daemon-reload")
    assert machine.run("systemctl restart host-exporter").returncode == 0
    wait_for(lambda: machine.run("host-exporter health").returncode == 0, 30, machine.log)


def test_it_is_not_started_again_with_a_setting_that_is_not_accepted(machine: Machine) -> None:
    (machine.root / "etc/host-exporter.env").write_text("HOST_EXPORTER_PORT=99999\n")
    machine.run("systemctl restart host-exporter")
    wait_for(lambda: property_of(machine, "ActiveState") == "failed", 30, machine.log)
    assert property_of(machine, "ExecMainStatus") == "2"
    assert "'99999' is not accepted" in machine.log()


def test_it_ends_in_order_and_is_removed_without_a_trace(machine: Machine) -> None:
    (machine.root / "etc/host-exporter.env").write_text("")
    assert machine.run("systemctl restart host-exporter").returncode == 0
    wait_for(lambda: machine.run("host-exporter health").returncode == 0, 30, machine.log)
    result = machine.run("systemctl stop host-exporter")
    assert (property_of(machine, "Result"), property_of(machine, "ExecMainStatus")) == ("success", "0"), machine.log()
    result = machine.run(steps("removal"))
    assert result.returncode == 0, result.stderr
    left = machine.run("find /etc /usr/local /var/lib /opt /tmp /var/tmp -name '*host-exporter*'").stdout
    assert left == ""
    assert machine.run("systemctl status host-exporter").returncode == 4, "no such unit"
