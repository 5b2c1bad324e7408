"""``host-exporter desktop`` as a process: its window, its rows, how it exits, and what keeps it from starting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

import pytest

from tests.recording.test_export import lines, read_csv
from tests.support import COMMAND, run, wait_for
from tests.support_desktop import Hands, delete_window, need_tkinter, xvfb

if TYPE_CHECKING:
    from pathlib import Path


class Desktop:
    """The command on a display, with its own home folder."""

    def __init__(self, display: str, home: Path, *args: str, command: tuple[str, ...] = (*COMMAND, "desktop")) -> None:
        self.hands = Hands(display)
        self._command = [*command, *args]
        self._env = {**os.environ, "DISPLAY": display, "HOME": str(home)}
        self._env.pop("XDG_CONFIG_HOME", None)
        self.log = ""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, env=self._env, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: self.hands.window() or self.process.poll() is not None, 30)
        self.hands.focus()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def has_figures(self) -> bool:
        title = self.hands.title()
        return ": " in title and not title.endswith("unknown")

    def record(self) -> None:
        """Click "Record", at the right end of the bottom bar."""
        x, y, width, height = self.hands.place()
        self.hands.click(x + width - 80, y + height - 52)

    def end(self, wait: float = 30) -> int:
        _, self.log = self.process.communicate(timeout=wait)
        return self.process.returncode


def test_a_person_records_to_a_typed_path_and_closes_the_window(display: str, tmp_path: Path) -> None:
    file = tmp_path / "typed.csv"
    with Desktop(display, tmp_path, "--interval", "0.5") as desktop:
        wait_for(desktop.has_figures, 30)
        x, y, width, height = desktop.hands.place()
        desktop.hands.click(x + width // 2, y + height - 52)
        desktop.hands.press("ctrl+a")
        desktop.hands.type(str(file))
        desktop.record()
        wait_for(lambda: lines(file) >= 4, 30)
        desktop.record()  # the same button stops
        delete_window(display, desktop.hands.window())
        assert desktop.end() == 0
    assert desktop.log == ""
    rows = read_csv(file)
    times = [row["time"] for row in rows]
    assert times == sorted(set(times))
    assert all(0 <= float(row["cpu_usage_ratio"]) <= 1 for row in rows)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP", "ctrl+q", "ctrl+w", "cross"])
def test_every_end_is_clean_and_leaves_whole_rows(display: str, tmp_path: Path, how: str) -> None:
    (tmp_path / "Desktop").mkdir()
    file = tmp_path / "Desktop" / "metrics_desktop.csv"
    with Desktop(display, tmp_path, "--interval", "0.5") as desktop:
        wait_for(desktop.has_figures, 30)
        desktop.record()
        wait_for(lambda: lines(file) >= 2, 30)
        if how.startswith("SIG"):
            desktop.process.send_signal(getattr(signal, how))
        elif how == "cross":
            delete_window(display, desktop.hands.window())
        else:
            desktop.hands.press(how)
        assert desktop.end() == 0
    assert desktop.log == ""
    assert file.read_bytes().endswith(b"\n")
    assert read_csv(file)


def test_escape_closes_it(display: str, tmp_path: Path) -> None:
    with Desktop(display, tmp_path) as desktop:
        desktop.hands.press("Escape")
        assert desktop.end() == 0
    assert desktop.log == ""


def open_dialog(desktop: Desktop) -> str:
    """Click "Choose…", left of "Record"; return the dialog's id."""
    wait_for(desktop.has_figures, 30)
    x, y, width, height = desktop.hands.place()
    desktop.hands.click(x + width - 250, y + height - 52)
    dialog = wait_for(lambda: desktop.hands.do("search", "--onlyvisible", "--name", "^Record to$"), 30)
    return str(dialog).partition("\n")[0]


def test_a_file_can_be_chosen(display: str, tmp_path: Path) -> None:
    with Desktop(display, tmp_path, "--interval", "0.5") as desktop:
        dialog = open_dialog(desktop)
        desktop.hands.do("windowfocus", "--sync", dialog)
        desktop.hands.press("ctrl+slash")
        desktop.hands.type("chosen")
        desktop.hands.press("Return")
        wait_for(lambda: not desktop.hands.do("search", "--onlyvisible", "--name", "^Record to$"), 30)
        desktop.record()
        wait_for(lambda: lines(tmp_path / "chosen.csv") >= 2, 30)


def test_a_signal_while_a_file_is_being_chosen_ends_it(display: str, tmp_path: Path) -> None:
    with Desktop(display, tmp_path) as desktop:
        open_dialog(desktop)
        desktop.process.send_signal(signal.SIGTERM)
        assert desktop.end() == 0
    assert desktop.log == ""


BLOCKED = """
import functools, threading, exporter.desktop
from exporter.__main__ import main
from exporter.findings import none_yet
from exporter.model import Collector
from exporter.sampling.sampler import Sampler

def read(machine, baseline):
    print("asked", flush=True)
    threading.Event().wait()

collectors = [Collector("cpu", int, read, lambda _: (), none_yet)]
exporter.desktop.Sampler = functools.partial(Sampler, collectors=collectors)
main()
"""


def test_a_collector_that_never_returns_does_not_keep_it_from_ending(display: str, tmp_path: Path) -> None:
    with Desktop(display, tmp_path, command=(sys.executable, "-c", BLOCKED, "desktop")) as desktop:
        desktop.process.send_signal(signal.SIGTERM)
        assert desktop.end() == 0
    assert desktop.log == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a system without /dev/full")
def test_rows_that_could_not_be_written_are_named_at_the_end(display: str, tmp_path: Path) -> None:
    (tmp_path / "metrics_desktop.csv").symlink_to("/dev/full")
    with Desktop(display, tmp_path, "--interval", "0.5") as desktop:
        wait_for(desktop.has_figures, 30)
        desktop.record()
        said = desktop.process.stderr
        assert said
        assert "No space left on device; trying again" in said.readline()
        time.sleep(2)  # four samples, one row each
        desktop.process.send_signal(signal.SIGTERM)
        assert desktop.end() == 1
    assert "rows lost because they could not be written: " in desktop.log
    assert "Traceback" not in desktop.log


def one_line(result: subprocess.CompletedProcess[str], code: int) -> str:
    assert result.returncode == code
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a screen without $DISPLAY")
def test_without_a_screen_it_says_so() -> None:
    need_tkinter()
    command = ["env", "-u", "DISPLAY", *COMMAND, "desktop"]
    none = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    dead = run("desktop", env={"DISPLAY": ":4242"})
    for result, reason in (
        (none, "no display name and no $DISPLAY environment variable"),
        (dead, 'couldn\'t connect to display ":4242"'),
    ):
        assert one_line(result, 1) == (
            f"host-exporter: desktop needs a screen: {reason}; host-exporter watch shows the same in a terminal"
        )


NO_FILES = """
class TclError(Exception): pass

def Tk(className):
    raise TclError("Can't find a usable init.tcl in the following directories: \\n    {/a/lib} {/b/lib}\\n\\nThis ...")
"""


def test_a_tk_without_its_files_is_one_line(tmp_path: Path) -> None:
    """As in some virtual environments on Windows."""
    (tmp_path / "tkinter.py").write_text(NO_FILES)
    line = one_line(run("desktop", env={"PYTHONPATH": str(tmp_path)}), 1)
    assert line.startswith("host-exporter: desktop cannot open a window: Can't find a usable init.tcl")
    assert "/a/lib" not in line


@pytest.mark.parametrize("module", ["tkinter", "_tkinter"])
def test_without_tk_it_says_what_to_install(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError(\"No module named '{module}'\")\n")
    line = one_line(run("desktop", env={"PYTHONPATH": str(tmp_path)}), 1)
    assert line.startswith("host-exporter: desktop needs Python's tkinter: apt install python3-tk, ")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--theme", "pink"), "--theme: 'pink' is not accepted; give auto, light or dark"),
        (("--interval", "0"), "--interval: '0' is not accepted; give seconds from 0.5 to 86400"),
        (("--cpu-warning", "95"), "--cpu-warning: '95' is not accepted"),
        (("--export-csv", "x"), "No such option"),
    ],
)
def test_bad_input_is_one_line(args: tuple[str, ...], words: str) -> None:
    assert words in one_line(run("desktop", *args), 2)


def test_no_other_command_needs_tk(tmp_path: Path) -> None:
    (tmp_path / "tkinter.py").write_text("raise ModuleNotFoundError('no tkinter')\n")
    for args in (("stats",), ("watch", "--once"), ("desktop", "--help")):
        result = run(*args, env={"PYTHONPATH": str(tmp_path)})
        assert (result.returncode, result.stderr) == (0, "")


def test_everything_grows_with_the_resolution_of_the_screen(display: str, tmp_path: Path) -> None:
    with Desktop(display, tmp_path) as desktop:
        usual = desktop.hands.place()[2:]
    with xvfb("2400x1800", dpi=192) as large, Desktop(large, tmp_path) as desktop:
        assert desktop.hands.place()[2:] == pytest.approx([2 * length for length in usual], rel=0.1)
