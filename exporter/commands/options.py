"""The command line's options: each is checked by the same rules as the settings, and is a variable as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from exporter import settings
from exporter.errors import SettingError
from exporter.settings import Number, Settings

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULTS = Settings()


class NumberType(click.ParamType[float, float]):
    """A number within bounds; says flag, value and what is accepted."""

    def __init__(self, number: Number) -> None:
        self.number = number
        self.name = "number" if not number.whole else "integer"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> float:
        """Return the number, or raise SettingError."""
        return self.number.parse(flag_of(param), value)


class OptionalText(click.ParamType[str, str]):
    """A text that can be switched off by "none": an empty variable counts as none given. An empty flag does it too."""

    name = "text"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the text, empty for "none"."""
        text = str(value)
        return "" if text.strip().lower() == "none" else text


class FileName(click.ParamType[str, str]):
    """A file to write: an empty flag, which is what an unset variable of the shell gives, must not mean "nothing"."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the name, or raise SettingError."""
        if not value:
            raise SettingError(flag_of(param), value, "a file in a folder that can be written")
        return str(value)


class OneOf(click.ParamType[str, str]):
    """One of some words; says flag, value and what is accepted, as numbers do."""

    name = "word"

    def __init__(self, *words: str) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the word, or raise SettingError."""
        word = str(value).strip().lower()
        if word not in self.words:
            raise SettingError(flag_of(param), value, f"{', '.join(self.words[:-1])} or {self.words[-1]}")
        return word


def flag_of(param: click.Parameter | None) -> str:
    """Return how the user calls a parameter: its long flag, or its name for an argument."""
    if param is None:
        return "value"
    return max(param.opts, key=len) if isinstance(param, click.Option) else param.human_readable_name


def setting(name: str, help_text: str, kind: Number | None = None) -> Callable[[F], F]:
    """Return the option for a field of Settings, with that field's default."""
    default = getattr(_DEFAULTS, name)
    flag = "--" + name.replace("_", "-")
    if isinstance(default, bool):
        return click.option(f"{flag}/--no-{flag[2:]}", default=default, show_default=True, help=help_text)
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    text: click.ParamType[str, str] = OptionalText() if name.endswith("_url") or "exclude" in name else click.STRING
    # A long list is in the documentation; nothing to show where the default is empty.
    shown: bool | str = "a list, see docs/settings.md" if len(str(default)) > 60 else bool(str(default))
    return click.option(
        flag, type=NumberType(kind) if kind else text, default=default, show_default=shown, help=help_text
    )


ROOTFS = setting("rootfs", "Folder where the watched host's / is mounted (for containers).")
HOSTNAME = setting("hostname", "Name to show instead of the machine's own.")
MACHINE = (
    ROOTFS,
    HOSTNAME,
    setting("top", "Programs in the top list, by CPU and by memory each.", settings.TOP),
    setting("max_age", "Seconds for which one sample serves all who ask.", settings.MAX_AGE),
    setting("filesystem_timeout", "Seconds that a filesystem may take to answer.", settings.TIMEOUT),
    setting("exclude_fstypes", "Filesystem types left out; shell patterns, comma-separated, or 'none'."),
    setting("exclude_mountpoints", "Mountpoints left out; shell patterns, comma-separated, or 'none'."),
    setting("exclude_interfaces", "Network interfaces left out; shell patterns, comma-separated, or 'none'."),
    setting("exclude_disks", "Disks left out; shell patterns, comma-separated, or 'none'."),
    setting("bind_mounts", "Show a filesystem at every place where it is mounted."),
    setting("disk_partitions", "Show partitions beside their disks."),
)
THRESHOLDS = tuple(
    setting(f"{resource}_{severity}", f"Percentage of {title} in use from which it is {severity}.", settings.PERCENT)
    for resource, title in (("cpu", "CPU"), ("memory", "memory"), ("filesystem", "filesystem"))
    for severity in ("warning", "critical")
)
LISTEN = (
    setting("host", "Address to listen on."),
    setting("port", "Port to listen on.", settings.PORT),
    click.option(
        "--web-config", metavar="FILE", default=None, help="Web configuration: TLS and passwords, see docs/access.md."
    ),
    setting("grafana_url", "Link on the page; {host} is the name the page was asked for; 'none': no link."),
    setting("prometheus_url", "Link on the page, likewise."),
    setting("alertmanager_url", "Link on the page, likewise."),
    setting("alerts_url", "Prometheus to ask which alerts fire, for the page; 'none': not asked."),
)
EXPORTS = (
    click.option("--export-csv", type=FileName(), metavar="FILE", help="Append a row a sample to this CSV file."),
    click.option(
        "--export-jsonl", type=FileName(), metavar="FILE", help="Append a line a sample to this JSON Lines file."
    ),
)
THEME = (
    click.option("--theme", type=OneOf("auto", "light", "dark"), default="auto", help="Colours: light, dark or auto."),
)
VERBOSE = (click.option("--verbose", "-v", is_flag=True, help="Log every failure with its traceback."),)


def interval(help_text: str) -> Callable[[F], F]:
    """Return the option for seconds between two samples."""
    return click.option("--interval", type=NumberType(settings.INTERVAL), default=2, help=help_text)


def options(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[F], F]:
    """Return a decorator that adds groups of options, shown in this order."""

    def add(function: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return add


def make_settings(values: dict[str, Any]) -> Settings:
    """Return the settings of a command; values that are no settings are left for the command. Raises SettingError."""
    fields = Settings.__dataclass_fields__
    return Settings(**{name: value for name, value in values.items() if name in fields})
