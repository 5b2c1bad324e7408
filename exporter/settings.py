"""All settings with their defaults and accepted values; constructing a Settings object validates it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from fnmatch import translate
from math import isfinite
from os.path import isfile

from exporter.address import is_address, is_web_address, servers
from exporter.errors import SettingError
from exporter.thresholds import Threshold, Thresholds


@dataclass(frozen=True, slots=True)
class Number:
    """The accepted range of a number (inclusive), and its description for error messages."""

    low: float
    high: float
    words: str
    whole: bool = False

    def parse(self, flag: str, value: object) -> float:
        """Return ``value`` as a number, or raise SettingError."""
        text = str(value).strip()
        try:
            # ``int`` and ``float`` also accept "1_000", which is refused below: more likely a typing error.
            number = int(text) if self.whole else float(text)
        except ValueError:
            raise SettingError(flag, value, self.words) from None
        # ``isfinite`` comes last because an integer may be too large for it; the bounds already reject "nan".
        if "_" in text or not self.low <= number <= self.high or not isfinite(number):
            raise SettingError(flag, value, self.words)
        return number


PORT = Number(1, 65535, "a whole number from 1 to 65535", whole=True)
TOP = Number(1, 50, "a whole number from 1 to 50", whole=True)
INTERVAL = Number(0.5, 86400, "seconds from 0.5 to 86400")
MAX_AGE = Number(0, 3600, "seconds from 0 to 3600")
TIMEOUT = Number(0.1, 60, "seconds from 0.1 to 60")
PERCENT = Number(0.01, 100, "a percentage from 1 to 100, or 'none'")
_HOST_PATTERN = re.compile(r"[a-z0-9_*?-]+(?:\.[a-z0-9_*?-]+)*\.?")
HOSTS = "host names such as nas.example.org or *.example.org, without a port, separated by commas, or '*' for any"


def parse_limit(flag: str, value: object) -> float | None:
    """Return a limit in percent, None for "none", or raise SettingError: below 1 it must have been meant as a ratio."""
    if value is None or str(value).strip().lower() == "none":
        return None
    number = PERCENT.parse(flag, value)
    if number < 1:
        hint = f"{number:g} is {number:g} %; for {100 * number:g} % write {100 * number:g}"
        raise SettingError(flag, value, f"{PERCENT.words} ({hint})")
    return number


# Pseudo filesystems hold no user data; read-only images are always 100 % full.
FSTYPES_EXCLUDED = (
    "autofs,binfmt_misc,bpf,cgroup*,configfs,debugfs,devfs,devpts,devtmpfs,efivarfs,erofs,fdescfs,"
    "fuse.gvfsd-fuse,fuse.lxcfs,fuse.portal,fuse.snapfuse,fusectl,hugetlbfs,iso9660,mqueue,nsfs,nullfs,"
    "overlay,proc,procfs,pstore,ramfs,rootfs,rpc_pipefs,securityfs,selinuxfs,squashfs,sysfs,tmpfs,tracefs"
)
# macOS splits one disk into many volumes; only the data volume holds user data.
MOUNTPOINTS_EXCLUDED = (
    "/System/Volumes/Hardware,/System/Volumes/Preboot,/System/Volumes/Update*,/System/Volumes/VM,"
    "/System/Volumes/iSCPreboot,/System/Volumes/xarts,/private/var/vm"
)
INTERFACES_EXCLUDED = (
    "lo,veth*,br-*,docker*,cali*,cni*,flannel*,ifb*,virbr*,"
    "lo0,anpi*,ap[0-9],awdl*,gif*,llw*,stf*,Loopback Pseudo-Interface*"
)
DISKS_EXCLUDED = "loop*,ram*,zram*,fd[0-9]*"
TEXTFILE_DIR = "/var/lib/host-exporter/textfile"
"""Where the machine's owner puts figures of their own; it need not exist."""


class Patterns:
    """Names to ignore: a comma-separated list of shell patterns, each matched against the whole name."""

    def __init__(self, text: str) -> None:
        globs = [part.strip() for part in text.split(",") if part.strip()]
        # One combined expression: on a container host this runs a thousand times or so per sample.
        self._match = re.compile("|".join(translate(glob) for glob in globs) or r"(?!)").match

    def match(self, name: str) -> bool:
        """Return whether one of the patterns matches the whole name."""
        return self._match(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a run. Thresholds are percentages here (None: not set), ratios elsewhere; times in seconds."""

    host: str = "127.0.0.1"
    port: int = 5000
    web_config: str | None = None
    allowed_host: str = ""
    rootfs: str = ""
    hostname: str = ""
    max_age: float = 1.0
    top: int = 5
    filesystem_timeout: float = 2.0
    textfile_dir: str = TEXTFILE_DIR
    prometheus_data: str = ""
    cpu_warning: float | None = 80.0
    cpu_critical: float | None = 90.0
    memory_warning: float | None = 80.0
    memory_critical: float | None = 90.0
    filesystem_warning: float | None = 80.0
    filesystem_critical: float | None = 90.0
    exclude_fstypes: str = FSTYPES_EXCLUDED
    exclude_mountpoints: str = MOUNTPOINTS_EXCLUDED
    exclude_interfaces: str = INTERFACES_EXCLUDED
    exclude_disks: str = DISKS_EXCLUDED
    bind_mounts: bool = False
    disk_partitions: bool = False
    # {host} stands for the host name in the page's own address.
    grafana_url: str = "http://{host}:3000"
    prometheus_url: str = "http://{host}:9090"
    alertmanager_url: str = "http://{host}:9093"
    # Where the exporter itself reaches Grafana.
    grafana_check_url: str = ""
    alerts_url: str = ""

    def __post_init__(self) -> None:
        PORT.parse("--port", self.port)
        MAX_AGE.parse("--max-age", self.max_age)
        TOP.parse("--top", self.top)
        TIMEOUT.parse("--filesystem-timeout", self.filesystem_timeout)
        check_host(self.host)
        host_patterns(self.allowed_host)
        if self.web_config == "":  # an unset variable in a script must not leave the server open
            raise SettingError("--web-config", "", "a web configuration file, see docs/access.md")
        if not self.hostname.isprintable():
            raise SettingError("--hostname", self.hostname, "a name without control characters")
        self._check_rootfs()
        check_folder("--textfile-dir", self.textfile_dir)
        for resource in ("cpu", "memory", "filesystem"):
            self._check_thresholds(resource)
        for name in ("grafana", "prometheus", "alertmanager"):
            check_url(f"--{name}-url", getattr(self, f"{name}_url").replace("{host}", "localhost"))
        check_url("--grafana-check-url", self.grafana_check_url)
        check_urls("--alerts-url", self.alerts_url)

    def _check_rootfs(self) -> None:
        if not self.rootfs:
            return
        if not sys.platform.startswith("linux"):
            raise SettingError("--rootfs", self.rootfs, "no --rootfs: it works in Linux containers only")
        if not isfile(f"{self.rootfs}/proc/stat"):  # an empty folder means that the mount is missing
            raise SettingError("--rootfs", self.rootfs, "a folder where the host's / is mounted (with proc/ in it)")

    def _check_thresholds(self, resource: str) -> None:
        warning, critical = getattr(self, f"{resource}_warning"), getattr(self, f"{resource}_critical")
        parse_limit(f"--{resource}-warning", warning)
        parse_limit(f"--{resource}-critical", critical)
        if warning is not None and critical is not None and warning >= critical:
            accepted = f"a percentage below --{resource}-critical ({critical:g}), or 'none'"
            raise SettingError(f"--{resource}-warning", f"{warning:g}", accepted)

    def thresholds(self) -> Thresholds:
        """Return the thresholds as ratios, 0 to 1."""
        return Thresholds(
            cpu=Threshold(_ratio(self.cpu_warning), _ratio(self.cpu_critical)),
            memory=Threshold(_ratio(self.memory_warning), _ratio(self.memory_critical)),
            filesystem=Threshold(_ratio(self.filesystem_warning), _ratio(self.filesystem_critical)),
        )


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def check_host(host: str) -> None:
    """Raise SettingError unless ``host`` could be an address or a host name."""
    if not host or not host.isprintable() or any(c.isspace() for c in host):
        raise SettingError("--host", host, "an address or a host name to listen on")


def check_folder(flag: str, path: str) -> None:
    """Raise SettingError unless ``path`` is the whole path of a folder, or empty for none; it need not exist."""
    if path and (not path.startswith("/") or not path.isprintable()):
        raise SettingError(flag, path, "the whole path of a folder on the monitored machine, or 'none'")


def host_patterns(text: str) -> list[str]:
    """Return the names and patterns of an ``--allowed-host`` list as a browser sends them. Raises SettingError."""
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            name = part.lower() if part.isascii() else part.encode("idna").decode()
        except UnicodeError:
            name = ""
        if not (_HOST_PATTERN.fullmatch(name) or is_address(part.strip("[]"))):
            raise SettingError("--allowed-host", part, HOSTS)
        found.append(name.removesuffix("."))
    return found


def check_url(flag: str, url: str) -> None:
    """Raise SettingError unless ``url`` is an http or https address, or empty for none."""
    if url and not is_web_address(url):
        raise SettingError(flag, url, "an http:// or https:// address, or 'none'")


def check_urls(flag: str, urls: str) -> None:
    """Raise SettingError unless ``urls`` is a comma-separated list of such addresses, or empty for none."""
    if not all(map(is_web_address, servers(urls))) or (urls and not servers(urls)):
        raise SettingError(flag, urls, "an http:// or https:// address, several separated by commas, or 'none'")
