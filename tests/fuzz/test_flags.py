"""Flags and variables with any value: one line and an exit code of 0, 1 or 2, never a traceback.

What a user can type: no zero bytes, because no system passes them on.
"""

from __future__ import annotations

import errno
import gc
import os
import socket
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.commands import run as commands
from exporter.commands import serve as serving
from exporter.commands.cli import cli
from exporter.commands.program import main
from exporter.commands.variables import PREFIX
from exporter.errors import SettingError
from exporter.machine import open_machine
from exporter.recording.recorder import open_exports
from exporter.serving.server import open_server
from exporter.settings import PERCENT, PORT, TOP
from tests.fuzz.texts import odd_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.settings import Settings

COMMANDS = sorted(cli.commands)
FLAGS = sorted({flag for command in cli.commands.values() for param in command.params for flag in param.opts})
VARIABLES = sorted(PREFIX + flag[2:].replace("-", "_").upper() for flag in FLAGS if flag.startswith("--"))
GOOD = [
    "1",
    "50",
    "5000",
    "80",
    "90.5",
    "none",
    "true",
    "127.0.0.1",
    "::1",
    "http://127.0.0.1:1/x",
    "auto",
    "rows",
    "{host}",
]


def values() -> st.SearchStrategy[str]:
    """Possible values of a flag; undecodable bytes appear as Python passes them on."""
    word = odd_words().map(os.fsdecode)
    url = st.builds("{}://{}:{}/{}".format, st.sampled_from(["http", "https", "ftp", ""]), word, word, word)
    text = st.sampled_from(GOOD) | word | st.text(max_size=20) | url
    return text.filter(lambda value: "\0" not in value and _can_be_given(value))


def _can_be_given(value: str) -> bool:
    """Return whether a system can pass this on: no lone surrogates except those that represent bytes."""
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


_look_up = socket.getaddrinfo


def _no_names(host: Any, port: Any, *_: Any, **__: Any) -> Any:
    """Stands in for a machine without a name server."""
    return _look_up(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


def _no_network(*_: object, **__: object) -> Any:
    raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


def _serve(chosen: Settings, csv: str | None, jsonl: str | None, _interval: float, *_: object) -> None:
    """Do everything that ``serve`` does before it waits for the signal to stop."""
    open_machine(chosen)
    server = open_server(lambda *_: [b""], chosen.host, chosen.port)
    try:
        open_exports(csv, jsonl)
    finally:
        server.end()


def _desktop(chosen: Settings, _interval: float, _theme: str) -> None:
    open_machine(chosen)


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for files, and a machine without a network to resolve names."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    monkeypatch.setattr(socket, "getaddrinfo", _no_names)
    monkeypatch.setattr(socket, "create_connection", _no_network)
    monkeypatch.setattr(serving, "serve", _serve)
    monkeypatch.setattr(commands, "watch", lambda chosen, *_, **__: _serve(chosen, None, None, 1))
    monkeypatch.setattr(commands, "desktop", _desktop)
    monkeypatch.setattr(commands, "stats", open_machine)


def _run(words: Sequence[str]) -> object:
    """Run the command in this process and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["host-exporter", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code


def _check(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        code = _run(words)
    out, line = capsys.readouterr()
    assert code in {0, 1, 2}, line
    assert "Traceback" not in out + line
    if "cannot listen" in line:
        # cheroot leaves a socket that could not be bound to the garbage collector; the real program exits here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    if code:
        assert line.endswith("\n")
        said = [each for each in line.rstrip("\n").split("\n") if "unknown variable HOST_EXPORTER_" not in each]
        assert len(said) == 1, line


@pytest.mark.usefixtures("shell")
@settings(max_examples=settings().max_examples * 5)
@given(command=st.sampled_from(COMMANDS), flag=st.sampled_from(FLAGS), value=values())
@example(command="serve", flag="--port", value="9" * 400)
@example(command="stats", flag="--top", value="-" + "9" * 400)
def test_a_flag_with_any_value(capsys: pytest.CaptureFixture[str], command: str, flag: str, value: str) -> None:
    _check(capsys, [command, f"{flag}={value}"] if flag.startswith("--") else [command, flag, value])


@pytest.mark.usefixtures("shell")
@settings(max_examples=settings().max_examples * 5)
@given(st.lists(st.sampled_from([*COMMANDS, *FLAGS, "--", "-", "-h"]) | values(), max_size=6))
def test_any_words_on_the_command_line(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    _check(capsys, words)


@pytest.mark.usefixtures("shell")
@given(
    command=st.sampled_from(COMMANDS),
    variables=st.dictionaries(st.sampled_from([*VARIABLES, f"{PREFIX}NONSENSE"]), values(), min_size=1, max_size=4),
)
def test_variables_with_any_values(capsys: pytest.CaptureFixture[str], command: str, variables: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        _check(capsys, [command])


@given(st.sampled_from([PORT, TOP, PERCENT]), values() | st.integers().map(str) | st.floats().map(str))
def test_a_number_is_within_its_bounds_or_refused(number: Any, value: str) -> None:
    try:
        parsed = number.parse("--flag", value)
    except SettingError:
        return
    assert number.low <= parsed <= number.high


def test_each_flag_is_tried() -> None:
    assert len(FLAGS) > 25
    assert all(isinstance(command, click.Command) for command in cli.commands.values())
