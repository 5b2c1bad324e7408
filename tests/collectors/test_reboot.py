"""Whether the machine was shut down before it booted, and whether it must be rebooted."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from exporter.collectors.reboot import NEWS, Reboot
from exporter.sources.shutdowns import MOST
from tests.support_records import BOOTED, boot, login, record, shutdown

if TYPE_CHECKING:
    from tests.machines import FixtureMachine
    from tests.other_systems import MacOs, Windows

PACKAGES = ("linux-image-6.12.57+deb13-amd64", "libc6")
RUNNING = "6.12.48+deb13-amd64"


def clean(machine: FixtureMachine) -> bool | None:
    found = read(machine)
    return found.last_shutdown_clean if found else None


def required(machine: FixtureMachine) -> bool | None:
    found = read(machine)
    return found.required if found else None


def read(machine: FixtureMachine) -> Reboot | None:
    machine.advance(60)
    return machine.try_read(Reboot)


def wtmp(machine: FixtureMachine, *records: bytes, name: str = "wtmp") -> None:
    machine.write(f"var/log/{name}", b"".join(records))


@pytest.fixture
def bare(server: FixtureMachine) -> FixtureMachine:
    """A machine that says nothing, with the records of one boot alone."""
    assert server.try_read(Reboot) is None
    wtmp(server, boot(BOOTED))
    server.write("run/utmp", boot(BOOTED))
    assert clean(server) is None
    return server


def test_a_laptop_that_was_shut_down_and_waits_for_a_reboot(laptop: FixtureMachine) -> None:
    assert laptop.read(Reboot) == Reboot(required=True, packages=PACKAGES, last_shutdown_clean=True)
    assert laptop.exposition().value("host_reboot_required") == 1
    assert laptop.exposition().value("host_last_shutdown_clean") == 1


def test_a_machine_that_says_nothing_has_no_series(server: FixtureMachine) -> None:
    assert server.try_read(Reboot) is None
    assert not {"host_reboot_required", "host_last_shutdown_clean"} & server.exposition().names()


@pytest.mark.parametrize("size", [384, 400])
def test_a_boot_after_a_boot_was_not_shut_down_and_one_after_a_shutdown_was(bare: FixtureMachine, size: int) -> None:
    """Records of 64-bit ARM are longer."""
    bare.write("run/utmp", boot(BOOTED, size))
    before = [boot(BOOTED - 900, size), *[login(BOOTED - 800, size)] * 20]
    wtmp(bare, *before, boot(BOOTED, size), login(BOOTED + 10, size))
    assert clean(bare) is False
    bare.write("proc/stat", "cpu 1 2 3 4\n")  # forget what is known of this boot
    wtmp(bare, *before, shutdown(BOOTED - 20, size), boot(BOOTED, size), login(BOOTED + 10, size))
    assert clean(bare) is True


@pytest.mark.parametrize(("level", "found"), [("0", True), ("6", True), ("5", False), ("2", False), ("S", False)])
def test_sysvinit_writes_the_run_level_that_it_goes_to(bare: FixtureMachine, level: str, found: bool) -> None:
    change = record(1, "runlevel", BOOTED - 30, pid=ord(level) + 256 * ord("5"))
    wtmp(bare, boot(BOOTED - 900), change, boot(BOOTED))
    assert clean(bare) is found


def test_only_the_last_boot_counts(bare: FixtureMachine) -> None:
    wtmp(bare, boot(BOOTED - 900), boot(BOOTED - 600), shutdown(BOOTED - 30), boot(BOOTED))
    assert clean(bare) is True


def test_what_is_known_of_a_boot_stays_known(bare: FixtureMachine) -> None:
    wtmp(bare, boot(BOOTED - 900), boot(BOOTED))
    assert clean(bare) is False
    wtmp(bare, *[login(BOOTED + 10)] * 100)
    assert clean(bare) is False
    bare.write("proc/stat", f"cpu 1 2 3 4\nbtime {BOOTED + 5000}\n")
    assert clean(bare) is None


def test_records_of_another_boot_say_nothing_of_this_one(bare: FixtureMachine) -> None:
    """A machine whose updates brought a system that no longer writes any."""
    wtmp(bare, boot(BOOTED - 90_000), boot(BOOTED - 80_000))
    assert clean(bare) is None
    bare.remove("run/utmp")
    assert clean(bare) is None


def test_without_the_records_in_run_the_boot_must_be_as_old_as_the_machine_says(bare: FixtureMachine) -> None:
    bare.remove("run/utmp")
    for seconds, found in ((-100, None), (-30, False), (300, False)):
        bare.write("proc/stat", f"cpu 1 2 3 4\nbtime {BOOTED - 0.001 * seconds}\n")
        wtmp(bare, boot(BOOTED - 900), boot(BOOTED + seconds))
        assert clean(bare) is found
    bare.write("proc/stat", "cpu 1 2 3 4\n")
    assert clean(bare) is None


def test_a_clock_that_was_wrong_at_boot_does_not_matter(bare: FixtureMachine) -> None:
    """A Raspberry Pi has none until it has reached a time server."""
    wtmp(bare, boot(BOOTED - 900), boot(BOOTED - 5000))
    bare.write("run/utmp", boot(BOOTED - 5000))
    assert clean(bare) is False


@pytest.mark.parametrize("name", ["wtmp.1", "wtmp-20251231"])
def test_the_boot_before_may_be_in_the_file_of_the_month_before(bare: FixtureMachine, name: str) -> None:
    wtmp(bare, boot(BOOTED - 90_000), name=f"{name}.old")
    os.utime(bare.path(f"var/log/{name}.old"), (BOOTED - 90_000, BOOTED - 90_000))
    wtmp(bare, boot(BOOTED - 900), login(BOOTED - 800), name=name)
    assert clean(bare) is False
    wtmp(bare, boot(BOOTED - 900), login(BOOTED - 800), name=name)
    bare.write("proc/stat", f"cpu 1 2 3 4\nbtime {BOOTED + 1}\n")
    wtmp(bare, login(BOOTED - 500), shutdown(BOOTED - 20), boot(BOOTED))
    assert clean(bare) is True


def test_a_boot_that_is_too_far_back_is_unknown_not_looked_for_in_the_month_before(bare: FixtureMachine) -> None:
    wtmp(bare, boot(BOOTED - 9000), name="wtmp.1")
    logins = [login(BOOTED - 100)] * (MOST // 384 + 100)
    wtmp(bare, boot(BOOTED - 900), *logins, boot(BOOTED))
    assert clean(bare) is None
    wtmp(bare, boot(BOOTED - 900), *logins, shutdown(BOOTED - 9), boot(BOOTED))
    assert clean(bare) is True


@pytest.mark.parametrize("content", [b"", b"\0" * 9600, b"x" * 9600, b"\2\0\0\0~", b"SQLite format 3\0" * 600])
def test_what_is_no_record_says_nothing(bare: FixtureMachine, content: bytes) -> None:
    for path in ("var/log/wtmp", "run/utmp"):
        bare.write(path, content)
    assert clean(bare) is None


def test_a_record_that_a_crash_has_cut_is_left_out(bare: FixtureMachine) -> None:
    wtmp(bare, boot(BOOTED - 900), boot(BOOTED), login(BOOTED + 5)[:100])
    assert clean(bare) is False


def test_unclean_is_news_for_an_hour(bare: FixtureMachine) -> None:
    wtmp(bare, boot(BOOTED - 900), boot(BOOTED))
    for uptime, found in ((1, 1), (NEWS - 1, 1), (NEWS, 0), (90_000, 0)):
        bare.write("proc/uptime", f"{uptime} 1\n")
        bare.advance(60)
        assert sum(each.kind == "HostRebootUnclean" for each in bare.sample().findings()) == found
    bare.remove("proc/uptime")
    bare.advance(60)
    assert not bare.sample().findings()


@pytest.mark.parametrize(
    ("path", "packages"), [("run/reboot-required", PACKAGES[1:]), ("run/reboot-needed", PACKAGES[1:])]
)
def test_an_update_leaves_a_file(bare: FixtureMachine, path: str, packages: tuple[str, ...]) -> None:
    bare.write(path, "reboot\n")
    bare.write("run/reboot-required.pkgs", "libc6\nlibc6\n\n")
    found = read(bare)
    assert found == Reboot(required=True, packages=packages, last_shutdown_clean=None)


@pytest.mark.parametrize(
    "path", ["usr/share/update-notifier/notify-reboot-required", "etc/kernel/postinst.d/unattended-upgrades"]
)
def test_no_file_means_no_reboot_only_where_something_would_write_it(bare: FixtureMachine, path: str) -> None:
    assert required(bare) is None
    bare.write(path, "#!/bin/sh\n")
    assert required(bare) is False


@pytest.mark.parametrize("image", ["boot/vmlinuz-{}", "lib/modules/{}/vmlinuz"])
def test_a_kernel_installed_since_the_boot_asks_for_a_reboot(bare: FixtureMachine, image: str) -> None:
    bare.write("proc/sys/kernel/osrelease", f"{RUNNING}\n")
    bare.write(image.format("6.12.57+deb13-amd64"), "")
    assert required(bare) is None, "this kernel comes from elsewhere"
    bare.write(image.format(RUNNING), "")
    assert required(bare) is True
    bare.write("run/systemd/container", "lxc\n")
    assert required(bare) is None, "a container boots no kernel"


def test_a_kernel_that_was_there_at_boot_does_not_ask_for_one(bare: FixtureMachine) -> None:
    bare.write("proc/sys/kernel/osrelease", f"{RUNNING}\n")
    bare.write("boot/vmlinuz-6.12.57+deb13-amd64", "")
    bare.write(f"boot/vmlinuz-{RUNNING}", "")
    bare.write("proc/stat", f"cpu 1 2 3 4\nbtime {time.time() + 5:.0f}\n")
    assert required(bare) is None


def test_arch_keeps_one_version_of_each_kernel(bare: FixtureMachine) -> None:
    bare.write("proc/sys/kernel/osrelease", "6.17.1-arch1-1\n")
    bare.write("lib/modules/6.17.1-arch1-1/pkgbase", "linux\n")
    bare.write("lib/modules/6.12.50-1-lts/pkgbase", "linux-lts\n")
    assert required(bare) is False
    bare.write("lib/modules/6.17.2-arch1-1/pkgbase", "linux\n")
    assert required(bare) is True, "a hook kept the modules of the running one"
    bare.remove("lib/modules/6.17.1-arch1-1")
    assert required(bare) is None, "nothing shows that the running kernel has modules at all"
    bare.write("proc/modules", "ext4 1 0 - Live 0\n")
    assert required(bare) is True


def test_alpine_says_which_version_of_a_kernel_is_installed(bare: FixtureMachine) -> None:
    bare.write("proc/sys/kernel/osrelease", "6.12.50-0-lts\n")
    for release, found in (("6.12.50-0-lts", False), ("6.12.51-0-lts", True)):
        bare.write("usr/share/kernel/lts/kernel.release", f"{release}\n")
        assert required(bare) is found
    bare.write("proc/sys/kernel/osrelease", "6.8.12-4-pve\n")
    assert required(bare) is None


def test_nixos_compares_what_was_booted_with_what_would_be(bare: FixtureMachine) -> None:
    bare.write("etc/os-release", "ID=nixos\n")
    assert required(bare) is None
    for system in ("old", "new", "services"):
        for part in ("kernel", "initrd", "kernel-modules"):
            bare.write(f"nix/store/{system}-{part}/file", "")
            target = bare.path(f"nix/store/{system}/{part}")
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(f"/nix/store/{'old' if system == 'services' else system}-{part}/file")
    bare.path("run/booted-system").symlink_to("/nix/store/old")
    bare.path("nix/var/nix/profiles").mkdir(parents=True)
    for system, found in (("old", False), ("services", False), ("new", True)):
        bare.path("nix/var/nix/profiles/system").unlink(missing_ok=True)
        bare.path("nix/var/nix/profiles/system").symlink_to(f"/nix/store/{system}")
        assert required(bare) is found


def test_other_systems_have_no_such_files(macos: MacOs, windows: Windows) -> None:
    for machine in (macos, windows):
        assert not {"host_reboot_required", "host_last_shutdown_clean"} & machine.exposition().names()
