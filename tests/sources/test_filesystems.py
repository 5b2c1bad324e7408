"""Filesystems are read under a time limit; one that hangs costs only itself and one thread."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter

import pytest

from exporter.sources.filesystem_reader import FilesystemReader
from exporter.sources.filesystems import Usage, is_another, read_usage
from exporter.sources.host import LINUX
from exporter.sources.mounts import Mount

FINE = Usage(100, 40, 60)
LIMIT = 0.3


class Server:
    """Filesystems, some of which hang until they are released."""

    def __init__(self, *dead: str) -> None:
        self.dead = {path: threading.Event() for path in dead}
        self.asked: Counter[str] = Counter()

    def probe(self, path: str) -> Usage:
        self.asked[path] += 1
        if path in self.dead:
            assert self.dead[path].wait(30), "never released"
        return FINE

    def release(self) -> None:
        for event in self.dead.values():
            event.set()


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "filesystem"}


def test_one_that_hangs_is_reported_and_the_others_are_read() -> None:
    server = Server("/dead")
    try:
        late, *fine = FilesystemReader(server.probe, LIMIT).read(["/dead", "/a", "/b"])
        assert fine == [FINE, FINE]
        assert late == "no answer within 0.3 s"
    finally:
        server.release()


def test_ten_that_hang_at_once_take_little_longer_than_one() -> None:
    """Ten mounts of one dead server must not take ten times the limit: a scrape has 10 s."""
    dead = [f"/dead/{number}" for number in range(10)]
    server = Server(*dead)
    try:
        begin = time.monotonic()
        answers = FilesystemReader(server.probe, 1.0).read([*dead, "/"])
        assert time.monotonic() - begin < 4.0
        assert answers[-1] == FINE
        assert set(answers[:-1]) == {"no answer within 1 s"}
    finally:
        server.release()


def test_one_that_hangs_is_not_read_again_and_holds_one_thread_over_any_number_of_samples() -> None:
    server = Server("/dead")
    before = workers()
    try:
        reader = FilesystemReader(server.probe, LIMIT)
        for _ in range(50):
            assert isinstance(reader.read(["/", "/dead"])[1], str)
        assert server.asked == {"/": 50, "/dead": 1}
        assert len(workers() - before) == 2  # the stuck one and the one that works
    finally:
        server.release()


def test_one_that_recovers_is_read_again_and_its_thread_ends() -> None:
    server = Server("/dead")
    before = workers()
    reader = FilesystemReader(server.probe, LIMIT)
    reader.read(["/", "/dead"])
    server.release()
    deadline = time.monotonic() + 5
    while len(workers() - before) > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert reader.read(["/", "/dead"]) == [FINE, FINE]
    assert len(workers() - before) == 1
    assert server.asked["/dead"] == 2


def test_a_slow_one_within_the_limit_is_shown() -> None:
    def slow(_path: str) -> Usage:
        time.sleep(0.15)
        return FINE

    assert FilesystemReader(slow, 5).read(["/a", "/b", "/c"]) == [FINE] * 3


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (OSError("no number"), "no number"),
        (ValueError("embedded null byte"), "ValueError: embedded null byte"),
    ],
)
def test_one_that_fails_says_why_and_the_others_are_read(reason: Exception, text: str) -> None:
    def probe(path: str) -> Usage:
        if path == "/bad":
            raise reason
        return FINE

    assert FilesystemReader(probe, LIMIT).read(["/bad", "/"]) == [text, FINE]


def test_the_figures_are_those_of_this_machine() -> None:
    usage = read_usage(os.path.abspath(os.sep))
    assert usage.is_mountpoint  # elsewhere only mountpoints are read
    assert 0 < usage.used_bytes <= usage.size_bytes
    inner = read_usage(os.path.dirname(os.__file__))
    assert not LINUX or not inner.is_mountpoint or inner.device_number != usage.device_number


ALL_BITS = 2**64 - 1
BLOCK = 4096


def answer(blocks: int, free: int, available: int, inodes: int, inodes_free: int) -> os.statvfs_result:
    return os.statvfs_result((BLOCK, BLOCK, blocks, free, available, inodes, inodes_free, inodes_free, 0, 255))


@pytest.mark.skipif(not LINUX, reason="psutil reads them elsewhere")
@pytest.mark.parametrize(
    ("said", "blocks", "inodes"),
    [
        (answer(1000, 400, 300, 100, 60), (1000, 600, 300), (100, 40)),
        # Drivers put numbers below zero into unsigned fields.
        (answer(1000, 20, ALL_BITS - 39, 100, 60), (1000, 980, -40), (100, 40)),
        (answer(1000, 400, 300, 100, ALL_BITS), (1000, 600, 300), (0, 0)),
        (answer(1000, 400, 300, ALL_BITS, 60), (1000, 600, 300), (0, 0)),
        (answer(1000, 400, 300, ALL_BITS, ALL_BITS), (1000, 600, 300), (0, 0)),
        (answer(1000, 400, 300, 100, ALL_BITS - 15), (1000, 600, 300), (100, 116)),
        (answer(1000, 400, 300, 999, 1_000_000), (1000, 600, 300), (999, -999_001)),
        (answer(1000, 1500, 1500, 0, 0), (1000, -500, 1500), (0, 0)),
    ],
)
def test_a_number_is_what_the_driver_meant(
    monkeypatch: pytest.MonkeyPatch, said: os.statvfs_result, blocks: tuple[int, int, int], inodes: tuple[int, int]
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: said)
    usage = read_usage("/")
    assert (usage.size_bytes, usage.used_bytes, usage.available_bytes) == tuple(BLOCK * number for number in blocks)
    assert (usage.inodes, usage.inodes_used) == inodes


@pytest.mark.parametrize(
    ("number", "within", "seen", "is_mountpoint", "another"),
    [
        ("0:30", "", "0:31", True, False),  # the number of a subvolume
        ("0:30", "8:1", "0:31", True, False),
        ("0:30", "0:30", "0:31", False, False),  # a folder of a subvolume, mounted in the same subvolume
        ("0:30", "0:44", "0:31", False, True),  # a folder of another btrfs, which the mount should cover
        ("0:30", "8:1", "8:1", False, True),
        ("0:30", "0:30", "8:1", False, True),
    ],
)
def test_a_btrfs_is_recognised_without_its_number(
    number: str, within: str, seen: str, is_mountpoint: bool, another: bool
) -> None:
    mount = Mount("/dev/sda", "/mnt", "btrfs", readonly=False, device_number=number, within=within)
    usage = Usage(100, 40, 60, device_number=seen, is_mountpoint=is_mountpoint)
    assert is_another(mount, usage) is another
