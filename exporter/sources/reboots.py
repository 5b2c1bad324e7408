"""Whether the machine must be rebooted for its updates to take effect, as far as any user can tell.

Each family of systems says so in its own way, and some say nothing without their package database, which only root may
read or only their own tools understand: there it is known at most that a reboot is required, never that it is not.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from exporter.sources.host import listed, printable, read_text
from exporter.sources.os_release import os_release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.sources.host import Host

FLAGS = ("/run/reboot-required", "/run/reboot-needed")
"""Files that an update writes: on Debian and Ubuntu, on openSUSE."""
PACKAGES = "/run/reboot-required.pkgs"
WRITERS = ("/usr/share/update-notifier/notify-reboot-required", "/etc/kernel/postinst.d/unattended-upgrades")
"""What writes the flag on Ubuntu and Debian. A Debian without either never has the flag."""
MOST_PACKAGES = 50
NEW = 60.0
"""Seconds after the boot from which on an installed kernel is newer than the running one."""
NIX_BOOTED, NIX_NEXT = "/run/booted-system", "/nix/var/nix/profiles/system"
NIX_PARTS = ("kernel", "initrd", "kernel-modules")


def required_packages(host: Host) -> tuple[str, ...]:
    """Return the packages that ask for a reboot, each once, in the order of their updates; Debian and Ubuntu only."""
    lines = (read_text(host.inside(PACKAGES)) or "").splitlines()
    names = (printable(line.strip()) for line in lines)
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_PACKAGES]


def reboot_required(host: Host, release: str, boot_time: float | None) -> bool | None:
    """Return whether a reboot is required, None if the system does not say.

    ``release`` is the running kernel's, ``boot_time`` Unix time.
    """
    if any(os.path.exists(host.inside(flag)) for flag in FLAGS):
        return True
    known = [ask(host, release, boot_time) for ask in _KERNELS] if not _is_container(host) else []
    known.append(False if any(os.path.exists(host.inside(path)) for path in WRITERS) else None)
    known.append(_nix(host))
    said = [each for each in known if each is not None]
    return any(said) if said else None


def _is_container(host: Host) -> bool:
    """Return whether the system shares the kernel of another one: it boots no kernel that it may have installed."""
    return os.path.exists(host.inside("/run/systemd/container")) or os.path.exists(f"{host.rootfs}/.dockerenv")


def _installed_since(host: Host, release: str, boot_time: float | None) -> bool | None:
    """Return True if a kernel was installed after the boot, beside the running one.

    Where the running one is not among them, the machine gets its kernel from elsewhere (a virtual machine's host).
    """
    if boot_time is None:
        return None
    images = dict(_images(host))
    if release not in images:
        return None
    return True if any(images[each] > boot_time + NEW for each in images if each != release) else None


def _images(host: Host) -> Iterator[tuple[str, float]]:
    """Yield the release of each kernel in /boot and /lib/modules, and when its file was put there (Unix time)."""
    boot, modules = host.inside("/boot"), host.inside("/lib/modules")
    found = [(name.removeprefix("vmlinuz-"), f"{boot}/{name}") for name in listed(boot) if name.startswith("vmlinuz-")]
    found += [(name, f"{modules}/{name}/vmlinuz") for name in listed(modules)]
    for release, path in found:
        try:
            # Its own date is that of its package; the inode changed when it was installed.
            yield release, os.lstat(path).st_ctime
        except OSError:
            continue


def _replaced_on_arch(host: Host, release: str, _boot_time: float | None) -> bool | None:
    """Return whether the running kernel's package was replaced: Arch keeps one version of each, with its modules."""
    modules = host.inside("/lib/modules")
    owners = {name: read_text(f"{modules}/{name}/pkgbase") for name in listed(modules)}
    owners = {name: owner for name, owner in owners.items() if owner}
    if not owners or (release not in owners and not read_text(f"{host.proc}/modules")):
        return None
    # A hook of some owners keeps the modules of the running one until the next boot.
    return release not in owners or list(owners.values()).count(owners[release]) > 1


def _replaced_on_alpine(host: Host, release: str, _boot_time: float | None) -> bool | None:
    """Return whether the running kernel's package was replaced: Alpine names the version of each flavor."""
    flavors = host.inside("/usr/share/kernel")
    installed = {name: read_text(f"{flavors}/{name}/kernel.release") for name in listed(flavors)}
    mine = next((each for name, each in installed.items() if each and release.endswith(f"-{name}")), None)
    return None if mine is None else mine != release


_KERNELS: tuple[Callable[[Host, str, float | None], bool | None], ...] = (
    _installed_since,
    _replaced_on_arch,
    _replaced_on_alpine,
)


def _nix(host: Host) -> bool | None:
    """Return whether the next boot would start another kernel than the one that runs, on NixOS."""
    if os_release(read_text(host.inside("/etc/os-release")) or "", "ID") != "nixos":
        return None
    parts = [tuple(host.inside(f"{system}/{part}") for system in (NIX_BOOTED, NIX_NEXT)) for part in NIX_PARTS]
    if not all(os.path.lexists(path) for part in parts for path in part):
        return None
    return any(booted != following for booted, following in parts)
