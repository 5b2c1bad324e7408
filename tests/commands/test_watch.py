"""``watch``: plain lines for a pipe, the drawn view for a terminal, and a clean end."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from exporter.signals import ENDING
from tests.support import COMMAND, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \| [\w ,]+ \| cpu \d+ % \| memory \d+ % \| .*\| receive .+ transmit .+"
)
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
CURSOR_OFF, CURSOR_ON = b"\x1b[?25l", b"\x1b[?25h"


def test_once_prints_one_plain_line_into_a_pipe() -> None:
    result = run("watch", "--once")
    assert (result.returncode, result.stderr) == (0, "")
    (line,) = result.stdout.splitlines()
    assert LINE.fullmatch(line), line
    assert "\x1b" not in line


@pytest.mark.parametrize("number", sorted(ENDING), ids=lambda number: signal.Signals(number).name)
def test_lines_follow_one_another_until_a_signal_ends_it(number: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "watch", "--interval", "0.5"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(number)
        rest, error = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 0
    assert error == ""
    assert all(LINE.fullmatch(line) for line in [*map(str.rstrip, lines), *rest.splitlines()])
    times = [line.partition(" ")[0] for line in lines]
    assert times == sorted(set(times)), "each line is a new sample"


pty = pytest.importorskip("pty", reason="needs a pseudo terminal")
termios = pytest.importorskip("termios")
fcntl = pytest.importorskip("fcntl")


@dataclass
class Terminal:
    """The command in its own terminal of 120 columns and 40 lines."""

    args: tuple[str, ...]
    stdin: int | None = None
    shown: bytes = b""
    error: bytes = b""
    fd: int = field(default=-1, init=False)

    def __enter__(self) -> Self:
        self.fd, inner = pty.openpty()
        termios.tcsetwinsize(inner, (40, 120)) if sys.version_info >= (3, 11) else None
        self.before = termios.tcgetattr(inner)
        self.process = subprocess.Popen(
            [*COMMAND, *self.args],
            stdin=inner if self.stdin is None else self.stdin,
            stdout=inner,
            stderr=inner,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
            # Ctrl-C reaches only processes in the terminal's session.
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )
        self.inner = inner
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.inner)
        self.hang_up()

    def hang_up(self) -> None:
        """Close the terminal's window."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def read_until(self, done: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.shown
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 65536)

    def end(self) -> int:
        """Wait until it exits, read the rest of its output, and return the exit code."""
        self.read_until(lambda: self.process.poll() is not None)
        while select.select([self.fd], [], [], 0)[0]:
            self.shown += os.read(self.fd, 65536)
        return self.process.returncode

    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.shown.decode(errors="replace"))


def _screens(terminal: Terminal) -> int:
    return terminal.text().count("Memory")


@pytest.mark.parametrize("how", ["Ctrl-C", "q", "Q", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGALRM"])
def test_a_terminal_shows_the_drawn_view_and_is_given_back(how: str) -> None:
    with Terminal(("watch", "--interval", "0.5")) as terminal:
        terminal.read_until(lambda: _screens(terminal) >= 6)  # a percentage and a column in each of three views
        assert ALTERNATE_ON in terminal.shown
        assert CURSOR_OFF in terminal.shown
        assert ALTERNATE_OFF not in terminal.shown
        text = terminal.text()
        assert "CPU" in text
        assert "Process" in text
        assert "━" in text or "─" in text
        if how.startswith("SIG"):
            terminal.process.send_signal(signal.Signals[how])
        else:
            os.write(terminal.fd, b"\x03" if how == "Ctrl-C" else how.encode())
        assert terminal.end() == 0
        assert terminal.shown.rindex(ALTERNATE_OFF) > terminal.shown.rindex(ALTERNATE_ON)
        assert terminal.shown.rindex(CURSOR_ON) > terminal.shown.rindex(CURSOR_OFF)
        assert "Traceback" not in terminal.text()
        assert termios.tcgetattr(terminal.inner) == terminal.before


def test_q_ends_it_although_standard_input_is_no_terminal() -> None:
    with open(os.devnull) as nothing, Terminal(("watch", "--interval", "0.5"), stdin=nothing.fileno()) as terminal:
        terminal.read_until(lambda: _screens(terminal) >= 2)
        os.write(terminal.fd, b"x\x1b[Aq")
        assert terminal.end() == 0
        assert terminal.shown.rindex(ALTERNATE_OFF) > terminal.shown.rindex(ALTERNATE_ON)
        assert termios.tcgetattr(terminal.inner) == terminal.before


def test_other_keys_change_nothing_and_do_not_show() -> None:
    with Terminal(("watch", "--interval", "0.5")) as terminal:
        terminal.read_until(lambda: _screens(terminal) >= 2)
        os.write(terminal.fd, "wxyz\N{SNOWMAN}\n".encode())
        seen = _screens(terminal)
        terminal.read_until(lambda: _screens(terminal) >= seen + 4)
        assert "wxyz" not in terminal.text()
        os.write(terminal.fd, b"q")
        assert terminal.end() == 0


def test_a_window_that_is_closed_ends_it_with_whole_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    with Terminal(("watch", "--interval", "0.5", "--export-csv", str(file))) as terminal:
        terminal.read_until(lambda: _screens(terminal) >= 4)
        terminal.hang_up()
        assert terminal.process.wait(15) == 0
    assert file.read_bytes().endswith(b"\n")
    assert len(file.read_bytes().splitlines()) >= 3


def test_once_in_a_terminal_draws_one_view_and_leaves_it_there() -> None:
    with Terminal(("watch", "--once")) as terminal:
        assert terminal.end() == 0
        assert ALTERNATE_ON not in terminal.shown
        assert "Process" in terminal.text()
        assert "CPU" in terminal.text()


def test_bad_input_in_a_terminal_is_one_line_without_a_drawn_view() -> None:
    with Terminal(("watch", "--interval", "0")) as terminal:
        assert terminal.end() == 2
        assert len(terminal.text().splitlines()) == 1
        assert ALTERNATE_ON not in terminal.shown
