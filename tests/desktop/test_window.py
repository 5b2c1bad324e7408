"""What the window shows, read back from a real window on a real screen."""

from __future__ import annotations

import threading
from dataclasses import replace
from tkinter import ttk
from typing import TYPE_CHECKING, Any, cast

import psutil
import pytest

from exporter.collectors.battery import Battery
from exporter.collectors.filesystem import Filesystems
from exporter.collectors.network import Interface, Network
from exporter.collectors.system import System
from exporter.desktop.feed import Feed
from exporter.machine import open_machine
from exporter.render.units import UNKNOWN, size
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from tests.render.figures import COUNTERS, PROCESSES, SYSTEM, cpu, filesystem, processes, snapshot, whole
from tests.support_desktop import Desk, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import Snapshot


def shown(desk: Desk, sample: Snapshot) -> list[str]:
    """Show a sample; return the texts in the window."""
    desk.window.show(sample)
    desk.settle()
    return desk.texts()


def test_it_shows_every_subject(desk: Desk) -> None:
    texts = shown(desk, whole())
    assert desk.hands.title() == "zebra: all well"
    for text in (
        "zebra",
        "● all well",
        "42 %",
        "2 CPUs, load 0.50 0.25 0.12 (1, 5, 15 min)",
        "4.0 GiB of 8.0 GiB",
        "1.0 GiB of 2.0 GiB",
    ):
        assert text in texts
    for name in ("CPU", "Memory", "Swap", "/", "/data", "Battery"):
        assert name in texts
    assert "on battery, 1 h 30 min left" in texts
    assert "70.0 GiB available, ext4" in texts
    assert "python3 train.py  190.0 %  2.0 GiB  4242  ada" in texts
    assert f"eth0  up  1.5 KiB/s  {UNKNOWN}" in texts
    assert f"sda  2.0 KiB/s  {UNKNOWN}  0.4 ms  1.2 s  2.5" in texts
    assert any(text.startswith("Debian 12  ·  up 1 d 1 h  ·  as of ") for text in texts)


def test_it_shows_this_machine(desk: Desk) -> None:
    sampler = Sampler(open_machine(Settings()))
    feed = Feed(sampler, 0.5, desk.window.receive)
    feed.start()
    desk.until(lambda: len(desk.window.body.shares.rows) > 1)
    feed.stop()
    system = sampler.sample(max_age=60).section(System)
    assert system
    assert desk.hands.title().startswith(f"{system.hostname}: ")
    texts = desk.texts()
    assert system.hostname in texts
    memory = psutil.virtual_memory().total
    assert any(text.endswith(f" of {size(memory)}".replace("\u00a0", " ")) for text in texts)
    pids = [int(line[3]) for line in table(desk.window.body.tables["Top processes"].tree)]
    assert pids
    assert len(set(pids)) == len(pids)


def test_a_level_is_said_in_words(desk: Desk) -> None:
    texts = shown(desk, whole(cpu_usage=0.93, memory_usage=0.85))
    assert desk.hands.title() == "zebra: 1 critical, 1 warning"
    assert "● 1 critical, 1 warning" in texts
    assert "CPU 93 % (critical at 90 %): python3 train.py 1.90 cores, postgres 0.40 cores" in texts
    words = {str(row.name["text"]): str(row.word["text"]) for row in desk.window.body.shares.rows}
    assert words == {"CPU": "critical", "Memory": "warning", "Swap": "", "/": "", "/data": "", "Battery": ""}
    assert shown(desk, whole()).count("critical") == 0, "resolved findings are gone"
    assert desk.window.body.notices.lines == []


def test_the_owners_thresholds_are_used(open_desk: Callable[..., Desk]) -> None:
    thresholds = Settings(cpu_warning=30, cpu_critical=40).thresholds()
    texts = shown(open_desk(cpu_warning=30, cpu_critical=40), whole(thresholds=thresholds))
    assert "CPU 42 % (critical at 40 %): python3 train.py 1.90 cores, postgres 0.40 cores" in texts


def test_bars_are_as_long_as_their_share_and_marked_at_the_limits(desk: Desk) -> None:
    for usage in (0.0, 0.5, 0.95, 1.0):
        shown(desk, snapshot(cpu(usage), Battery(0.5, plugged=True, remaining_seconds=None)))
        bar, battery = (row.bar for row in desk.window.body.shares.rows)
        width = bar.winfo_width()
        assert width > 100
        (fill,) = bar.find_withtag("fill")
        assert bar.coords(fill)[2] == pytest.approx(width * usage, abs=1)
        assert [bar.coords(mark)[0] / width for mark in bar.find_withtag("mark")] == pytest.approx([0.8, 0.9], abs=0.01)
        assert not battery.find_withtag("mark")


@pytest.mark.parametrize(
    ("limits", "marks", "words"),
    [
        ({"cpu_warning": None}, [0.9], "1 critical"),
        ({"cpu_critical": None}, [0.8], "1 warning"),
        ({"cpu_warning": None, "cpu_critical": None}, [], "all well"),
    ],
    ids=["critical only", "warning only", "none"],
)
def test_a_limit_that_is_none_has_no_mark_and_no_level(
    open_desk: Callable[..., Desk], limits: dict[str, None], marks: list[float], words: str
) -> None:
    desk = open_desk(**limits)
    shown(desk, whole(cpu_usage=0.95, thresholds=Settings(**limits).thresholds()))  # type: ignore[arg-type]
    assert desk.hands.title() == f"zebra: {words}"
    bar = desk.window.body.shares.rows[0].bar
    found = [bar.coords(mark)[0] / bar.winfo_width() for mark in bar.find_withtag("mark")]
    assert found == pytest.approx(marks, abs=0.01)


def test_hardware_that_is_not_there_shows_nothing(desk: Desk) -> None:
    texts = shown(desk, snapshot(SYSTEM, cpu(0.2)))
    assert "CPU" in texts
    for word in ("Battery", "Network", "Disks", "Swap", "Memory"):
        assert word not in texts
    assert not any(text.startswith("Top processes") for text in texts)
    assert {"Battery", "Network", "Disks", "Swap"} <= set(shown(desk, whole()))
    assert shown(desk, snapshot(SYSTEM, cpu(0.2)))[1:] == texts[1:], "it may disappear"


def test_a_machine_of_which_nothing_is_known_is_shown(desk: Desk) -> None:
    shown(desk, snapshot())
    assert desk.hands.title() == "this machine: all well"


def test_what_cannot_be_read_is_named(desk: Desk) -> None:
    broken = Filesystems((filesystem("/", 0.5), filesystem("/nas", None, "no answer within 2 s")))
    texts = shown(desk, snapshot(SYSTEM, cpu(0.5), broken, failed={"memory": "OSError: no such thing"}))
    assert "● figures missing" in texts
    assert "The figures for memory are missing: OSError: no such thing" in texts
    assert "Filesystem /nas cannot be read: no answer within 2 s" in texts


ODD = ("{", "}", "a\\", "$HOME [exit] ;", '"', "-text", "#", "{a} {b", "%s", "日本語", "e\u0301", " ", "x" * 300, "007")


def test_names_are_shown_as_they_are(desk: Desk) -> None:
    listed = tuple(replace(PROCESSES[0], pid=place, name=name, user=name) for place, name in enumerate(ODD))
    links = tuple(Interface(name, up=True, speed_bytes=None, counters=COUNTERS) for name in ODD)
    mounts = tuple(filesystem(name, 0.95) for name in ODD)
    sample = snapshot(
        replace(SYSTEM, hostname=ODD[3]),
        replace(processes(), processes=listed),
        Network(links, 0.0),
        Filesystems(mounts),
        failed={"cpu": "{ [exit]"},
    )
    texts = shown(desk, sample)
    assert [line[0] for line in table(desk.window.body.tables["Top processes"].tree)] == list(ODD)
    assert [line[4] for line in table(desk.window.body.tables["Top processes"].tree)] == list(ODD)
    assert [line[0] for line in table(desk.window.body.tables["Network"].tree)] == list(ODD)
    names = [str(row.name["text"]) for row in desk.window.body.shares.rows]
    assert [name for name in names if "x" not in name] == [name for name in ODD if "x" not in name]
    assert "The figures for cpu are missing: { [exit]" in texts
    assert desk.hands.title().startswith("$HOME [exit] ;: ")


def test_characters_that_end_x11_programs_are_replaced(desk: Desk) -> None:
    name = "disk \N{PILE OF POO}"
    texts = shown(desk, snapshot(replace(SYSTEM, hostname=name), Filesystems((filesystem(f"/{name}", 0.95),))))
    assert "disk \N{REPLACEMENT CHARACTER}" in texts
    assert "/disk \N{REPLACEMENT CHARACTER}" in texts
    assert "\N{PILE OF POO}" not in "".join(texts)


def test_a_selection_follows_its_process(desk: Desk) -> None:
    shown(desk, whole())
    tree = desk.window.body.tables["Top processes"].tree
    tree.selection_set("77")
    shown(desk, snapshot(replace(processes(), processes=PROCESSES[::-1])))
    assert tree.selection() == ("77",)
    assert [line[3] for line in table(tree)] == ["77", "4242"]


def test_tables_stand_below_the_headings_of_their_cards(desk: Desk) -> None:
    shown(desk, whole())
    for part in desk.window.body.tables.values():
        tree = part.tree
        assert tree.winfo_rootx() == part.heading.winfo_rootx()
        left, _, right, _ = map(int, map(str, ttk.Style(tree).lookup("Treeview.Cell", "padding")))
        assert left == 0
        assert right > 0  # between a figure and the name after it
        assert int(str(ttk.Style(tree).lookup("Heading", "padding")[0])) == 0


@pytest.mark.parametrize("how", ["key", "wheel"])
def test_twenty_filesystems_can_be_scrolled_to(desk: Desk, how: str) -> None:
    mounts = tuple(filesystem(f"/srv/disk{number:02}", 0.05 * number) for number in range(20))
    shown(desk, snapshot(SYSTEM, cpu(0.5), Filesystems(mounts), processes()))
    rows = desk.window.body.shares.rows
    assert [str(row.name["text"]) for row in rows[1:]] == [each.mountpoint for each in mounts]
    last = desk.window.body.tables["Top processes"].tree
    foot = desk.window.controls.frame.winfo_rooty

    def is_visible() -> bool:
        return bool(last.winfo_rooty() + last.winfo_height() <= foot())

    assert not is_visible()
    for _ in range(12):
        if how == "key":
            desk.hands.press("Next")
        else:
            desk.hands.click(desk.root.winfo_rootx() + 200, desk.root.winfo_rooty() + 300, button=5)
        desk.settle()
    desk.until(is_visible)
    shown(desk, whole())
    assert rows[0].name.winfo_rooty() > desk.window.head.frame.winfo_rooty(), (
        "it is back at the top once everything fits"
    )


def test_it_fits_its_screen_and_stays_usable_when_it_is_small(desk: Desk) -> None:
    shown(desk, whole(0.95, 0.95, 0.95))
    window = desk.window
    assert desk.root.winfo_width() <= 1024
    assert desk.root.winfo_height() <= 768
    side_by_side = (
        window.body.tables["Network"].frame.winfo_rootx() > window.body.tables["Top processes"].frame.winfo_rootx()
    )
    assert side_by_side
    desk.root.geometry("1x1")
    desk.until(lambda: desk.root.winfo_width() < 700)
    desk.root.geometry("{}x{}".format(*desk.root.minsize()))
    desk.until(
        lambda: (
            window.body.tables["Network"].frame.winfo_rootx() == window.body.tables["Top processes"].frame.winfo_rootx()
        )
    )
    desk.settle()
    right = desk.root.winfo_rootx() + desk.root.winfo_width()
    bottom = desk.root.winfo_rooty() + desk.root.winfo_height()
    for part in (window.controls.button, window.head.badge, *(row.detail for row in window.body.shares.rows)):
        assert part.winfo_rootx() + part.winfo_width() <= right
    for row in window.body.shares.rows:
        assert row.bar.winfo_width() > 100, "the details shrink first"
    assert window.controls.says.winfo_rooty() + window.controls.says.winfo_height() <= bottom


class _Blocked:
    """A sampler that returns one sample and then hangs."""

    def __init__(self, sample: Snapshot) -> None:
        self._sample = sample
        self.asked = 0
        self.answer = threading.Event()

    def prime(self) -> None:
        pass

    def sample(self, max_age: float) -> Snapshot:
        assert max_age > 0
        self.asked += 1
        if self.asked > 1:
            assert self.answer.wait(60)
        return self._sample


def test_long_names_end_in_an_ellipsis_where_it_is_narrow(desk: Desk) -> None:
    long = "/srv/photos and videos of the whole family since 1926"
    shown(desk, snapshot(replace(SYSTEM, hostname="w" * 80), Filesystems((filesystem(long, 0.95),))))
    (row,) = desk.window.body.shares.rows
    name = str(row.name["text"])
    assert name.endswith("…")
    assert long.startswith(name[:-1])
    assert str(row.detail["text"]) == "5.0 GiB available, ext4".replace(" G", "\u00a0G")
    assert str(desk.window.head.title["text"]).endswith("…")
    desk.root.geometry("{}x{}".format(*desk.root.minsize()))
    desk.until(lambda: row.detail["text"] == "")
    assert f"Filesystem {long} 95 % (critical at 90 %)" in desk.texts(), "the sentence is complete"


def test_it_stays_alive_while_a_collector_blocks_and_says_that_the_figures_are_old(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    blocked = _Blocked(replace(whole(), monotonic=time.monotonic()))
    feed = Feed(cast("Sampler", blocked), 0.5, desk.window.receive)
    feed.start()
    desk.until(lambda: blocked.asked == 2 and desk.window.body.shares.rows)
    desk.window.controls.path.set("")
    desk.click(desk.window.controls.entry)
    desk.hands.type("/tmp/typed.csv")
    desk.until(lambda: desk.window.controls.path.get() == "/tmp/typed.csv")
    assert "● all well" in desk.texts()
    monkeypatch.setattr(desk.window, "_patience", 0.0)  # keeps the test short
    desk.until(lambda: "● unknown" in desk.texts())
    assert desk.hands.title() == "zebra: unknown"
    assert any(text.startswith("The figures below are from ") for text in desk.texts())
    monkeypatch.undo()
    blocked._sample = replace(whole(), monotonic=time.monotonic() + 3600)
    blocked.answer.set()
    feed.stop()
    desk.window.receive(blocked._sample)
    desk.until(lambda: "● all well" in desk.texts())


def test_a_sample_that_came_late_is_not_taken_for_two(desk: Desk) -> None:
    class Late:
        def __init__(self) -> None:
            self.asked = 0
            self.samples = (whole(), whole())

        def prime(self) -> None:
            pass

        def sample(self, max_age: float) -> Snapshot:
            assert max_age > 0
            self.asked += 1
            return self.samples[self.asked > 2]

    received: list[Snapshot] = []
    late = Late()
    feed = Feed(cast("Sampler", late), 0.05, received.append)
    feed.start()
    desk.until(lambda: late.asked > 4)
    feed.stop()
    assert len(received) == 2
    assert all(one is other for one, other in zip(received, late.samples, strict=True))


def test_a_feed_that_ends_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def prime(self) -> None:
            raise MemoryError("no more")

    feed = Feed(cast("Sampler", Broken()), 0.5, desk.window.receive)
    feed.start()
    desk.until(lambda: "sampling has stopped: no more" in caplog.text)


def test_an_error_while_drawing_is_one_line_and_the_next_sample_is_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Any) -> None:
        raise ValueError("cannot be drawn")

    monkeypatch.setattr(desk.window.body.shares, "show", fail)
    desk.window.receive(whole())
    desk.until(lambda: "the window: ValueError: cannot be drawn" in caplog.text)
    monkeypatch.undo()
    desk.window.receive(whole())
    desk.until(lambda: "42 %" in desk.texts())
    assert "Traceback" not in capfd.readouterr().err
