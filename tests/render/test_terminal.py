"""The terminal view, drawn on a recording console."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from exporter.collectors.battery import Battery
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.memory import Memory
from exporter.render.line import plain_line
from exporter.render.terminal import Screen, view
from exporter.render.units import UNKNOWN
from exporter.settings import Settings
from tests.render.figures import GIB, PROCESSES, SYSTEM, THRESHOLDS, cpu, filesystem, processes, snapshot, whole

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.thresholds import Thresholds


def drawn(sample: Snapshot, width: int = 100, thresholds: Thresholds = THRESHOLDS) -> str:
    console = Console(record=True, width=width, file=io.StringIO(), highlight=False)
    console.print(view(sample, thresholds, width))
    return console.export_text().replace("\u00a0", " ")


def _line_with(text: str, word: str) -> str:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(word)]
    return line


def test_the_view_shows_every_subject() -> None:
    text = drawn(whole())
    assert "zebra  Debian 12, up 1 d 1 h" in text
    assert "● all well" in text
    assert "42 %" in _line_with(text, "CPU  ")
    assert "2 CPUs, load 0.50 0.25 0.12 (1, 5, 15 min)" in text
    assert "4.0 GiB of 8.0 GiB" in _line_with(text, "Memory")
    assert "1.0 GiB of 2.0 GiB" in _line_with(text, "Swap")
    assert "70.0 GiB available, ext4" in text
    assert "on battery, 1 h 30 min left" in _line_with(text, "Battery")
    assert _line_with(text, "python3 train.py").split() == [
        "python3",
        "train.py",
        "190.0",
        "%",
        "2.0",
        "GiB",
        "4242",
        "ada",
    ]
    assert _line_with(text, "eth0").split() == ["eth0", "up", "1.5", "KiB/s", UNKNOWN]
    assert _line_with(text, "wlan0").split() == ["wlan0", UNKNOWN, UNKNOWN, UNKNOWN]
    assert _line_with(text, "sda").split() == ["sda", "2.0", "KiB/s", UNKNOWN, "0.4", "ms", "1.2", "s", "2.5"]


def test_an_unknown_usage_leaves_its_line_in_place() -> None:
    unknown = Memory(8 * GIB, None, None, None, None, 2 * GIB, GIB, 0.5)
    text = drawn(snapshot(cpu(None), unknown, SYSTEM))
    assert _line_with(text, "CPU").split()[1:] == [UNKNOWN, *_line_with(text, "CPU").split()[2:]]
    assert "━" not in _line_with(text, "CPU") + _line_with(text, "Memory")
    assert f"{UNKNOWN} of 8.0 GiB" in _line_with(text, "Memory")
    assert "50 %" in _line_with(text, "Swap")


@pytest.mark.parametrize(
    ("plugged", "words"), [(True, "on mains power"), (False, "on battery"), (None, "power unknown")]
)
def test_a_battery_says_where_the_power_comes_from(plugged: bool | None, words: str) -> None:
    line = _line_with(drawn(snapshot(Battery(0.5, plugged, None))), "Battery")
    assert line.rstrip().endswith(f"  {words}")


def test_findings_are_shown_above_the_bars() -> None:
    text = drawn(whole(cpu_usage=0.93))
    assert "● 1 critical" in text
    assert text.index("CPU 93 % (critical at 90 %): python3 train.py 1.90 cores") < text.index("━")


def test_failures_are_shown_in_words() -> None:
    text = drawn(snapshot(SYSTEM, cpu(0.5), failed={"memory": "OSError: no such thing"}))
    assert "The figures for memory are missing: OSError: no such thing" in text
    assert "50 %" in text


def test_a_machine_about_which_nothing_is_known_is_drawn() -> None:
    assert "all well" in drawn(snapshot())
    assert plain_line(snapshot()) == "2026-01-31T08:05:00.250Z | all well"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for sample in (whole(), whole(0.95, 0.95, 0.95)):
        assert all(len(line) <= width for line in drawn(sample, width).splitlines())


def test_bars_are_full_at_100_percent_and_marked_at_the_thresholds() -> None:
    for usage in (0.0, 0.5, 1.0):
        line = drawn(snapshot(cpu(usage)), width=120).splitlines()[-1]
        bar = "".join(c for c in line if c in "━─╋┼")
        assert len(bar) == 40
        assert [place for place, c in enumerate(bar) if c in "╋┼"] == [32, 36]
        assert sum(c in "━╋" for c in bar) == round(40 * usage)


@pytest.mark.parametrize(
    ("limits", "marks", "words"),
    [
        ({"cpu_warning": None}, [36], "1 critical"),
        ({"cpu_critical": None}, [32], "1 warning"),
        ({"cpu_warning": None, "cpu_critical": None}, [], "all well"),
    ],
    ids=["critical only", "warning only", "none"],
)
def test_a_limit_that_is_none_has_no_mark_and_no_level(limits: dict[str, None], marks: list[int], words: str) -> None:
    thresholds = Settings(**limits).thresholds()  # type: ignore[arg-type]
    text = drawn(whole(cpu_usage=0.95, thresholds=thresholds), 120, thresholds)
    assert f"● {words}" in text
    [line] = [line for line in text.splitlines() if line.startswith("CPU  ")]
    bar = "".join(c for c in line if c in "━─╋┼")
    assert [place for place, c in enumerate(bar) if c in "╋┼"] == marks
    assert len(bar) == 40


def test_names_that_look_like_markup_are_shown_as_they_are() -> None:
    program = replace(PROCESSES[0], name="[bold red]x[/]", user="[link]")
    table = replace(processes(), processes=(program,))
    hostile = Filesystems((replace(filesystem("/", 0.5), mountpoint="/mnt/[red]a[/red]", fstype="[b]"),))
    sample = snapshot(replace(SYSTEM, hostname="[green]h[/green]"), table, hostile, failed={"cpu": "[/nonsense] [red]"})
    text = drawn(sample)
    for shown in ("[bold red]x[/]", "[link]", "/mnt/[red]a[/red]", "[b]", "[green]h[/green]", "[/nonsense] [red]"):
        assert shown in text


def test_the_plain_line_holds_the_figures_on_one_line() -> None:
    line = plain_line(snapshot(*[reading.section for reading in whole().readings], failed={"pressure": "no"}))
    assert line == (
        "2026-01-31T08:05:00.250Z | figures missing | cpu 42 % | memory 50 % | / 30 % | "
        "receive 1.5 KiB/s transmit \N{EN DASH} | top python3 train.py 1.90 cores 2.0 GiB | "
        "The figures for pressure are missing: no"
    )


def test_a_pipe_gets_plain_lines_and_nothing_is_wrapped() -> None:
    file = io.StringIO()
    with Screen(THRESHOLDS, console=Console(file=file, width=40)) as screen:
        screen.show(whole())
        screen.show(whole(cpu_usage=0.95))
    lines = file.getvalue().splitlines()
    assert len(lines) == 2
    assert "\x1b" not in file.getvalue()
    assert "1 critical" in lines[1]


def test_a_terminal_is_taken_over_and_restored() -> None:
    file = io.StringIO()
    with Screen(
        THRESHOLDS, console=Console(file=file, force_terminal=True, legacy_windows=False, width=80, height=24)
    ) as screen:
        screen.show(whole())
    text = file.getvalue()
    assert text.index("\x1b[?1049h") < text.index("zebra") < text.rindex("\x1b[?1049l")
    assert text.rindex("\x1b[?25l") < text.rindex("\x1b[?25h")


def test_an_error_in_the_view_still_restores_the_terminal() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, legacy_windows=False, width=80, height=24)
    with pytest.raises(KeyboardInterrupt), Screen(THRESHOLDS, console=console):
        raise KeyboardInterrupt
    assert file.getvalue().rindex("\x1b[?1049h") < file.getvalue().rindex("\x1b[?1049l")


@pytest.mark.parametrize("width", [40, 60, 72, 80])
def test_names_and_figures_stay_on_a_narrow_terminal(width: int) -> None:
    """The details are dropped first, then the bar shrinks."""
    disks = Filesystems((filesystem("/", 0.17), filesystem("/srv/backup disk", 0.93)))
    text = drawn(snapshot(SYSTEM, cpu(0.42), disks), width=width)
    for name, figure in (("CPU", "42 %"), ("/ ", "17 %"), ("/srv/backup disk", "93 %")):
        assert figure in _line_with(text, name)
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (20, ["Process", "CPU"]),
        (40, ["Process", "CPU", "Memory"]),
        (60, ["Process", "CPU", "Memory", "PID"]),
        (80, ["Process", "CPU", "Memory", "PID", "User"]),
    ],
)
def test_a_narrow_terminal_costs_the_user_first_then_the_pid(width: int, columns: list[str]) -> None:
    program = replace(PROCESSES[0], name="python3 longer_script.py", pid=4194304, user="systemd-timesync")
    text = drawn(snapshot(replace(processes(), processes=(program,))), width)
    assert _line_with(text, "Process").split() == columns
    line = _line_with(text, "python3")
    for column, figure in {"CPU": "190.0 %", "Memory": "2.0 GiB", "PID": "4194304", "User": "systemd-timesync"}.items():
        assert (figure in line) is (column in columns)
    assert line.startswith("python3 longer_script.py" if width >= 60 else "python3 l")


@pytest.mark.parametrize("width", [34, 40, 60, 80])
def test_traffic_stays_on_a_narrow_terminal(width: int) -> None:
    text = drawn(whole(), width)
    assert _line_with(text, "eth0").split()[-3:] == ["1.5", "KiB/s", UNKNOWN]
    assert _line_with(text, "sda").split()[:4] == ["sda", "2.0", "KiB/s", UNKNOWN]
    assert ("1.2 s" in text) == (width >= 60), "how long requests wait gives way"


@pytest.mark.parametrize("width", [16, 24, 30, 40, 50, 60, 80])
def test_the_level_is_shown_in_full_however_narrow_the_terminal(width: int) -> None:
    for sample, level in ((whole(), "● all well"), (whole(0.95, 0.95, 0.85), "● 2 critical, 1 warning")):
        words = drawn(sample, width).partition("CPU")[0].split()
        assert " ".join(words[-len(level.split()) :]) == level
        assert words[0] == "zebra"


@pytest.mark.parametrize("width", range(20, 100))
def test_what_is_cut_off_ends_in_an_ellipsis(width: int) -> None:
    cut, uncut = (drawn(whole(), columns).split("\n\n")[1].splitlines() for columns in (width, 200))
    assert len(cut) == 6
    for line, whole_line in zip(cut, uncut, strict=True):
        name, figure, _, *details = re.split(" {2,}", line.rstrip())
        same_name, same, _, known = re.split(" {2,}", whole_line.rstrip())
        assert name == same_name or (name.endswith("…") and same_name.startswith(name[:-1]))
        assert figure == same
        for detail in details:
            assert detail == known or (detail.endswith("…") and known.startswith(detail[:-1].rstrip()))


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    with Screen(THRESHOLDS, console=console) as screen:
        screen.show(whole())
        screen.show(whole())
    written = console.file.getvalue()  # type: ignore[attr-defined]
    assert written.count("all well") == 2
    assert "\x1b" not in written
