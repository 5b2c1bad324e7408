"""The command line's options: validated by the same rules as the settings, each with its environment variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from exporter import settings
from exporter.errors import SettingError
from exporter.settings import Number, Settings

F = TypeVar("F", bound=Callable[..., Any])

_DEFAULTS = Settings()
OPTIONAL = ("_url", "textfile_dir")


class NumberType(click.ParamType[float, float]):
    """A number within bounds; the error names the flag, the value and what is accepted."""

    def __init__(self, number: Number) -> None:
        self.number = number
        self.name = "number" if not number.whole else "integer"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> float:
        """Return the number, or raise SettingError."""
        return self.number.parse(flag_of(param), value)


class LimitType(click.ParamType[float | None, float | None]):
    """A limit in percent, or "none" for no limit."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> float | None:
        """Return the limit, None for "none", or raise SettingError."""
        return settings.parse_limit(flag_of(param), value)


class OptionalText(click.ParamType[str, str]):
    """A text that "none" or an empty flag turns off; an empty variable counts as unset and leaves the default."""

    name = "text"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the text, or an empty one for "none"."""
        text = str(value)
        return "" if text.strip().lower() == "none" else text


class FileName(click.ParamType[str, str]):
    """A file to write. An empty flag is an error: it usually comes from an unset shell variable."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the name, or raise SettingError."""
        if not value:
            raise SettingError(flag_of(param), value, "a file in a folder that can be written")
        return str(value)


class OneOf(click.ParamType[str, str]):
    """One of a few words; the error names the flag, the value and what is accepted, as for numbers."""

    name = "word"

    def __init__(self, *words: str) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the word, or raise SettingError."""
        word = str(value).strip().lower()
        if word not in self.words:
            raise SettingError(flag_of(param), value, f"{', '.join(self.words[:-1])} or {self.words[-1]}")
        return word


class NameList(click.ParamType[str, str]):
    """One name or several, separated by commas. A variable is one value; click would cut it up at its spaces."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> str:
        """Return the list as given, or raise SettingError."""
        if not settings.host_patterns(str(value)):
            raise SettingError(flag_of(param), value, settings.HOSTS)
        return str(value)

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the variable as it is."""
        return [rv]


def flag_of(param: click.Parameter | None) -> str:
    """Return the name a user knows a parameter by: the long flag, or an argument's name."""
    if param is None:
        return "value"
    return max(param.opts, key=len) if isinstance(param, click.Option) else param.human_readable_name


def setting(name: str, help_text: str, kind: Number | LimitType | None = None) -> Callable[[F], F]:
    """Return the option for a field of Settings, with the field's default."""
    default = getattr(_DEFAULTS, name)
    flag = "--" + name.replace("_", "-")
    if isinstance(default, bool):
        return click.option(f"{flag}/--no-{flag[2:]}", default=default, show_default=True, help=help_text)
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    text: click.ParamType[str, str] = OptionalText() if name.endswith(OPTIONAL) or "exclude" in name else click.STRING
    # Long lists are in the documentation; an empty default shows nothing.
    shown: bool | str = "a list, see docs/settings.md" if len(str(default)) > 60 else bool(str(default))
    return click.option(
        flag,
        type=NumberType(kind) if isinstance(kind, Number) else kind or text,
        default=default,
        show_default=shown,
        help=help_text,
    )


ROOTFS = setting("rootfs", "Where the host's / is mounted, for monitoring it from a container.")
HOSTNAME = setting("hostname", "Name to report instead of the machine's own.")
MACHINE = (
    ROOTFS,
    HOSTNAME,
    setting("top", "How many programs to list, by CPU and by memory each.", settings.TOP),
    setting("max_age", "Seconds for which a sample is shared before a new one is taken.", settings.MAX_AGE),
    setting("filesystem_timeout", "Seconds to wait for a filesystem to respond.", settings.TIMEOUT),
    setting("textfile_dir", "Folder of *.prom files whose metrics are served too (Linux), or 'none'."),
    setting("prometheus_data", "Prometheus' data folder: the space left for it is exported."),
    setting("exclude_fstypes", "Filesystem types to ignore: comma-separated shell patterns, or 'none'."),
    setting("exclude_mountpoints", "Mountpoints to ignore: comma-separated shell patterns, or 'none'."),
    setting("exclude_interfaces", "Network interfaces to ignore: comma-separated shell patterns, or 'none'."),
    setting("exclude_disks", "Disks to ignore: comma-separated shell patterns, or 'none'."),
    setting("bind_mounts", "Show a filesystem at every place it is mounted, not only once."),
    setting("disk_partitions", "Show partitions as well as whole disks."),
)
THRESHOLDS = tuple(
    setting(f"{resource}_{severity}", f"{title} {severity} threshold, in percent, or 'none'.", LimitType())
    for resource, title in (("cpu", "CPU"), ("memory", "Memory"), ("filesystem", "Filesystem"))
    for severity in ("warning", "critical")
)
LISTEN = (
    setting("host", "Address to listen on."),
    setting("port", "Port to listen on.", settings.PORT),
    click.option(
        "--web-config", metavar="FILE", default=None, help="Web configuration: TLS and passwords, see docs/access.md."
    ),
    click.option(
        "--allowed-host",
        type=NameList(),
        multiple=True,
        metavar="NAME",
        callback=lambda _ctx, _param, names: ",".join(names),
        help="Another name under which this machine is reached, such as nas.example.org or *.example.org; '*' is any.",
    ),
    *(
        setting(
            f"{name.lower()}_url",
            f"{name} link on the page; {{host}} becomes the page's own host name; 'none' removes the link.",
        )
        for name in ("Grafana", "Prometheus", "Alertmanager")
    ),
    setting("grafana_check_url", "Where to ask whether Grafana answers; if not, the page says so instead of its link."),
    setting("alerts_url", "Prometheus server whose firing alerts the page shows; 'none' shows no alerts."),
)
EXPORTS = (
    click.option("--export-csv", type=FileName(), metavar="FILE", help="Append each sample to this CSV file."),
    click.option("--export-jsonl", type=FileName(), metavar="FILE", help="Append each sample to this JSON Lines file."),
)
THEME = (
    click.option(
        "--theme", type=OneOf("auto", "light", "dark"), default="auto", help="Colours; auto follows the system."
    ),
)
VERBOSE = (click.option("--verbose", "-v", is_flag=True, help="Log every failure with its traceback."),)


def interval(help_text: str) -> Callable[[F], F]:
    """Return the option for the seconds between two samples."""
    return click.option("--interval", type=NumberType(settings.INTERVAL), default=2, help=help_text)


def options(*groups: tuple[Callable[[Any], Any], ...]) -> Callable[[F], F]:
    """Return a decorator that adds groups of options; the help lists them in this order."""

    def add(function: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            function = option(function)
        return function

    return add


def make_settings(values: dict[str, Any]) -> Settings:
    """Return the command's settings; ignores values that are not settings. Raises SettingError."""
    fields = Settings.__dataclass_fields__
    return Settings(**{name: value for name, value in values.items() if name in fields})
