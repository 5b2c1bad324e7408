"""A thread that cannot be started costs what it was to do, is named in the log once, and is tried again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from exporter.access import Access
from exporter.chain.watch import Watch
from exporter.desktop.recording import Recording
from exporter.findings import none_yet
from exporter.machine import open_machine
from exporter.model import Collector
from exporter.recording.recorder import Recorder, open_exports
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources.filesystem_reader import FilesystemReader
from exporter.sources.filesystems import Usage
from exporter.threads import ThreadError
from exporter.thresholds import Level
from tests.support import wait_for
from tests.support_access import users

if TYPE_CHECKING:
    from pathlib import Path

FINE = Usage(100, 40, 60)
REFUSED = r"cannot start a thread \({}\): .* leave room for 16 threads"


class Threads:
    """The system's threads, of which there can be none left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.are_left = True
        really_start = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if not self.are_left:
                raise RuntimeError("can't start new thread")
            really_start(thread)

        monkeypatch.setattr(threading.Thread, "start", start)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(monkeypatch)


def test_filesystems_behind_one_that_hangs_wait_for_a_thread_and_are_read_again(threads: Threads) -> None:
    released = threading.Event()

    def probe(path: str) -> Usage:
        assert path != "/dead" or released.wait(30), "never released"
        return FINE

    reader = FilesystemReader(probe, 0.3)
    assert reader.read(["/", "/b"]) == [FINE, FINE]
    threads.are_left = False
    fine, dead, behind = reader.read(["/", "/dead", "/b"])
    assert (fine, dead) == (FINE, "no answer within 0.3 s")
    assert isinstance(behind, str)
    assert behind.startswith("cannot start a thread (filesystem)")
    for _ in range(2):
        with pytest.raises(ThreadError):
            reader.read(["/", "/dead", "/b"])
    threads.are_left = True
    assert reader.read(["/", "/dead", "/b"]) == [FINE, "no answer within 0.3 s", FINE]
    released.set()
    wait_for(lambda: reader.read(["/", "/dead"]) == [FINE, FINE])


def test_a_sample_waits_for_a_thread_no_longer_than_its_caller(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    released = threading.Event()
    released.set()

    def hang(*_: object) -> str:
        assert released.wait(30), "never released"
        return "a"

    named = {"a": hang, "b": lambda *_: "b"}
    collectors = [Collector(name, str, read, lambda _: (), none_yet) for name, read in named.items()]
    sampler = Sampler(open_machine(Settings(max_age=0)), collectors)
    sampler.prime()
    released.clear()
    threads.are_left = False
    for _ in range(2):
        begin = time.monotonic()
        snapshot = sampler.sample(limit=1.5)
        assert time.monotonic() - begin < 5
        assert [reading.error is None for reading in snapshot.readings] == [False, False]
    assert caplog.text.count("cannot start a thread (sampler)") == 1
    threads.are_left = True
    snapshot = sampler.sample(limit=5)
    assert [reading.error is None for reading in snapshot.readings] == [False, True]
    released.set()


def test_a_sampler_does_not_begin_without_a_thread(threads: Threads) -> None:
    threads.are_left = False
    with pytest.raises(ThreadError, match=REFUSED.format("sampler")):
        Sampler(open_machine(Settings())).prime()


def test_changes_of_the_web_configuration_are_noticed_later(
    threads: Threads, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.access.CHECKED", 0)
    monkeypatch.setattr("exporter.access.SETTLED", 0)
    file = tmp_path / "web.yml"
    file.write_text(users(before="x"))
    access = Access(str(file))
    file.write_text(users(after="x"))
    threads.are_left = False
    for _ in range(3):
        assert set(access.rules().users) == {b"before"}
    assert caplog.text.count("cannot start a thread (web-config)") == 1
    threads.are_left = True
    wait_for(lambda: set(access.rules().users) == {b"after"})


def test_a_watch_over_prometheus_that_cannot_begin_says_so(threads: Threads) -> None:
    watch = Watch(["http://127.0.0.1:1"])
    threads.are_left = False
    with pytest.raises(ThreadError, match=REFUSED.format("chain")):
        watch.start()


def test_an_export_that_cannot_begin_says_so(threads: Threads, tmp_path: Path) -> None:
    files = open_exports(str(tmp_path / "rows.csv"), None)
    recorder = Recorder(Sampler(open_machine(Settings())), Settings(), files, 1)
    threads.are_left = False
    with pytest.raises(ThreadError, match=REFUSED.format("export")):
        recorder.start()
    recorder.stop()


def test_a_recording_that_cannot_begin_says_so_in_the_window(threads: Threads, tmp_path: Path) -> None:
    recording = Recording(str(tmp_path / "rows.csv"))
    threads.are_left = False
    recording.start()
    level, text = recording.state()
    assert level is Level.CRITICAL
    assert text.startswith("Cannot start a thread (recording)")
    assert recording.finish(1) == 0


def test_a_key_that_nobody_can_wait_for_is_said_to_do_nothing(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    keys = pytest.importorskip("exporter.commands.keys", reason="no terminal of that kind", exc_type=ImportError)
    threads.are_left = False
    assert not keys._launched(threading.Thread(target=print, name="keyboard"))
    assert "cannot start a thread (keyboard)" in caplog.text
    assert caplog.text.rstrip().endswith("q does not end the view, Ctrl-C does")
