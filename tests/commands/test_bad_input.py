"""Bad input for every flag of every command: exit code 2 and one line that names flag, value and what is accepted."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

import click
import pytest

from exporter.commands.cli import cli
from exporter.commands.program import main
from tests.support import run

if TYPE_CHECKING:
    from collections.abc import Iterator


class Bad(NamedTuple):
    """What a flag says it accepts, and values that it refuses."""

    accepted: str
    values: tuple[str, ...]


def _numbers(accepted: str, *values: str) -> Bad:
    return Bad(accepted, (*values, "", "abc", "nan", "inf", "-inf", "1_0", "0x10", "5,5", "--", "-1"))


PERCENT = _numbers("a percentage from 1 to 100, or 'none'", "0", "0.8", "0.999", "100.01", "80%", "1e3", "no", "off")
PORT = _numbers("a whole number from 1 to 65535", "0", "65536", "80.5", "5000.0", "9" * 400)
LINK = Bad(
    "give an http:// or https:// address, or 'none'",
    (
        "nonsense",
        "ftp://host",
        "http://",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "javascript:x",
        "//h",
    ),
)
FILE = Bad("give a file in a folder that can be written", ("/nonexistent-folder/rows", "/", ""))

BAD = {
    "--host": Bad("an address or a host name", ("", "a b", "a\tb", " ", "\udcff", "a\x1b")),
    "--port": PORT,
    "--allowed-host": Bad(
        "give host names such as nas.example.org or *.example.org, without a port, separated by commas, or '*' for any",
        ("", "nas.example.org:5000", "http://nas.example.org", "a..b", "a/b", "<x>", "x@y", "\udcff", "[nas]", "a b"),
    ),
    "--web-config": Bad("a web configuration file", ("/nonexistent-folder/web.yml", "/", "")),
    "--rootfs": Bad("a folder where the host's / is mounted", ("/nonexistent-folder", "/dev/null", "relative")),
    "--textfile-dir": Bad(
        "the whole path of a folder on the monitored machine, or 'none'", ("relative", "./x", "/a\nb")
    ),
    "--hostname": Bad("a name without control characters", ("a\nb", "\x1b[31mred", "a\x7f", "\u2028")),
    "--top": _numbers("a whole number from 1 to 50", "0", "51", "2.5"),
    "--max-age": _numbers("seconds from 0 to 3600", "3600.1"),
    "--filesystem-timeout": _numbers("seconds from 0.1 to 60", "0", "0.09", "61"),
    "--interval": _numbers("seconds from 0.5 to 86400", "0", "0.49", "86401"),
    "--theme": Bad("give auto, light or dark", ("pink", "", "lightdark")),
    "--grafana-url": LINK,
    "--grafana-check-url": LINK,
    "--prometheus-url": LINK,
    "--alertmanager-url": LINK,
    "--alerts-url": Bad(
        "give an http:// or https:// address, several separated by commas, or 'none'",
        (*LINK.values, ",", "http://host:9090,nonsense", "http://a:1;http://b:1/ "),
    ),
    "--export-csv": FILE,
    "--export-jsonl": FILE,
    **{
        f"--{resource}-{severity}": PERCENT
        for resource in ("cpu", "memory", "filesystem")
        for severity in ("warning", "critical")
    },
    "URL": Bad("an address such as http://127.0.0.1:", ("nonsense", "ftp://x", "http://", "http://x:0x", "http://a b")),
}

SWITCHES = {"--bind-mounts", "--disk-partitions", "--verbose", "--once"}
"""Flags without a value; their variables have one."""

ANY_TEXT = {"--exclude-fstypes", "--exclude-mountpoints", "--exclude-interfaces", "--exclude-disks"}
"""Flags that accept any text: a pattern that matches nothing excludes nothing."""


class Param(NamedTuple):
    """A parameter of a command, under the name that the user knows."""

    command: str
    flag: str
    option: bool

    def words(self, value: str) -> list[str]:
        """Return a command line that sets it to this value."""
        return [self.command, f"{self.flag}={value}"] if self.option else [self.command, "--", value]

    @property
    def variable(self) -> str:
        return "HOST_EXPORTER_" + self.flag.removeprefix("--").replace("-", "_").upper()


def _params() -> Iterator[Param]:
    for name, command in cli.commands.items():
        for param in command.params:
            option = isinstance(param, click.Option)
            yield Param(name, max(param.opts, key=len) if option else param.human_readable_name, option)


PARAMS = sorted(set(_params()))
VALUED = [param for param in PARAMS if param.flag in BAD]


def _name(value: object) -> str | None:
    if isinstance(value, Param):
        return f"{value.command} {value.flag}"
    return repr(value)[:40] if isinstance(value, str) else None


def _check(code: int | None, line: str, *parts: str) -> None:
    assert code == 2, line
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1, line
    assert line.startswith("host-exporter: ")
    for part in parts:
        assert part in line, line


def test_every_flag_has_bad_values_here_or_is_known_to_take_any() -> None:
    assert {param.flag for param in PARAMS} == BAD.keys() | SWITCHES | ANY_TEXT | {
        "--prometheus-data"
    }  # a folder may come later


@pytest.mark.parametrize(
    ("param", "value"), [(param, value) for param in VALUED for value in BAD[param.flag].values], ids=_name
)
def test_a_bad_value_is_refused(
    param: Param, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["host-exporter", *param.words(value)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, line = capsys.readouterr()
    assert out == ""
    shown = value if value and param.flag in {"--export-csv", "--export-jsonl"} else repr(value)
    _check(ended.value.code if isinstance(ended.value.code, int) else None, line, param.flag, shown)
    assert BAD[param.flag].accepted in line
    assert "HOST_EXPORTER_" not in line


@pytest.mark.parametrize("param", VALUED, ids=_name)
def test_a_bad_value_ends_the_real_command_the_same_way(param: Param) -> None:
    bad = BAD[param.flag]
    result = run(*param.words(bad.values[0]))
    assert result.stdout == ""
    _check(result.returncode, result.stderr, param.flag, bad.accepted)


@pytest.mark.parametrize("param", [param for param in VALUED if param.option], ids=_name)
def test_a_bad_value_of_a_variable_is_refused_and_the_variable_named(
    param: Param, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty variable counts as unset, because Compose files pass unset variables that way."""
    bad = BAD[param.flag]
    for value in filter(None, bad.values):
        monkeypatch.setenv(param.variable, value)
        monkeypatch.setattr(sys, "argv", ["host-exporter", param.command])
        with pytest.raises(SystemExit) as ended:
            main()
        _, line = capsys.readouterr()
        assert ended.value.code == 2, (value, line)
        _check(2, line, param.flag, param.variable, bad.accepted)


@pytest.mark.parametrize("command", ["serve", "watch", "stats"])
def test_a_bad_variable_ends_the_real_command_the_same_way(command: str) -> None:
    result = run(command, env={"HOST_EXPORTER_TOP": "many"})
    _check(result.returncode, result.stderr, "--top", "'many'", "HOST_EXPORTER_TOP", "from 1 to 50")
    assert result.stdout == ""


@pytest.mark.parametrize("param", [param for param in PARAMS if param.flag in SWITCHES], ids=_name)
def test_a_switch_takes_no_value_and_its_variable_true_or_false_only(
    param: Param, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["host-exporter", param.command, f"{param.flag}=maybe"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    _check(2, capsys.readouterr().err, param.flag, "does not take a value")

    monkeypatch.setenv(param.variable, "maybe")
    monkeypatch.setattr(sys, "argv", ["host-exporter", param.command])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    _check(2, capsys.readouterr().err, param.flag, "'maybe'", param.variable, "true", "false")


@pytest.mark.parametrize("flag", sorted(ANY_TEXT))
def test_patterns_may_be_any_text(flag: str) -> None:
    result = run("stats", f"{flag}=[,**,!?,\\")
    assert (result.returncode, result.stderr) == (0, "")


def test_an_empty_variable_is_as_good_as_none() -> None:
    variables = {param.variable for param in PARAMS if param.option and param.command == "stats"}
    result = run("stats", env=dict.fromkeys(variables, ""))
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("resource", ["cpu", "memory", "filesystem"])
@pytest.mark.parametrize(("warning", "critical"), [("90", "90"), ("95", "90"), ("80.1", "80")])
def test_a_warning_must_lie_below_its_critical(resource: str, warning: str, critical: str) -> None:
    result = run("stats", f"--{resource}-warning", warning, f"--{resource}-critical", critical)
    _check(result.returncode, result.stderr, f"--{resource}-warning", f"'{warning}'", f"--{resource}-critical")
    assert f"({critical}), or 'none'" in result.stderr


@pytest.mark.parametrize(
    ("ratio", "percent"), [("0.8", "80"), (".95", "95"), ("0.29", "29"), ("0.875", "87.5"), ("0.01", "1")]
)
@pytest.mark.parametrize("flag", ["--cpu-warning", "--memory-critical"])
def test_a_limit_written_as_a_ratio_is_refused_with_the_percentage_to_write(
    flag: str, ratio: str, percent: str
) -> None:
    result = run("stats", flag, ratio)
    _check(result.returncode, result.stderr, flag, repr(ratio), "give a percentage from 1 to 100, or 'none'")
    assert result.stderr.endswith(f"({float(ratio):g} is {float(ratio):g} %; for {percent} % write {percent})\n")


@pytest.mark.parametrize("value", ["0", "-0.5", "0.001", "nan", "100.5"])
def test_what_is_no_ratio_has_no_hint(value: str) -> None:
    result = run("stats", f"--cpu-warning={value}")
    _check(result.returncode, result.stderr, "--cpu-warning", repr(value))
    assert "write" not in result.stderr


def test_a_critical_below_the_usual_warning_is_refused_and_says_both() -> None:
    result = run("stats", "--memory-critical", "70")
    _check(result.returncode, result.stderr, "--memory-warning", "80", "--memory-critical", "70")


def test_a_variable_that_puts_critical_below_warning_is_named() -> None:
    result = run("stats", env={"HOST_EXPORTER_MEMORY_CRITICAL": "70"})
    _check(result.returncode, result.stderr, "--memory-critical", "70", "HOST_EXPORTER_MEMORY_CRITICAL")


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "No such option '--nonsense'"),
        (["serve", "--nonsense"], "No such option '--nonsense'"),
        (["stats", "--port", "5000"], "No such option '--port'"),
        (["serve", "-x"], "No such option '-x'"),
        (["serve", "extra"], "(extra)"),
        (["watch", "extra", "more"], "(extra more)"),
        (["health", "http://a", "http://b"], "(http://b)"),
        (["serve", "--port"], "'--port' requires an argument"),
        (["--port"], "'--port' requires an argument"),
        (["watch", "--interval"], "'--interval' requires an argument"),
        (["serve", "--por", "5000"], "No such option '--por'"),
    ],
    ids=" ".join,
)
def test_unknown_and_missing_words_are_refused_in_one_line(args: list[str], part: str) -> None:
    result = run(*args)
    _check(result.returncode, result.stderr, part)
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--bogus", ""),
        ("--nonsense", ""),
        ("-x", ""),
        ("--por", "Did you mean --port?"),
        ("--cpu-warn", "Did you mean --cpu-warning?"),
        ("--bind-mount", "Did you mean --bind-mounts or --no-bind-mounts?"),
    ],
)
def test_only_a_flag_that_is_close_is_suggested(flag: str, meant: str) -> None:
    line = run("serve", flag, "1").stderr
    _check(2, line, f"No such option '{flag}'.", "For help, run: host-exporter serve --help")
    assert re.findall(r"Did you mean.*?\?", line) == ([meant] if meant else [])


def test_the_help_says_how_a_link_or_a_list_is_switched_off() -> None:
    text = " ".join(run("serve", "--help").stdout.split())
    assert text.count("'none'") == 15
    assert "empty" not in text


def test_bytes_that_are_no_text_are_refused_without_a_traceback() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("a command line of bytes")
    result = run("stats", "--hostname", "\udcff")
    _check(result.returncode, result.stderr, "--hostname", r"\udcff")


@pytest.mark.parametrize("flag", ["--export-csv", "--export-jsonl"])
def test_a_dash_is_no_file(flag: str) -> None:
    result = run("watch", "--once", flag, "-")
    assert (result.returncode, result.stdout) == (2, "")
    _check(result.returncode, result.stderr, flag, "'-'", "give a file", "host-exporter stats")
    assert not os.path.exists("-")


def test_a_variable_that_is_not_known_is_named_with_the_one_that_was_meant() -> None:
    result = run("stats", env={"HOST_EXPORTER_CPU_WARNNING": "50", "HOST_EXPORTER_EXPORT_CSV": "/nowhere/rows.csv"})
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert "unknown variable HOST_EXPORTER_CPU_WARNNING has no effect; did you mean HOST_EXPORTER_CPU_WARNING?" in line
