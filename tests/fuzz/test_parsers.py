"""The parsers of /proc and /sys on their own: any bytes give possible values or a ValueError."""

from __future__ import annotations

import time
from contextlib import suppress
from math import isnan
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.settings import Patterns
from exporter.sources.host import Host, printable
from exporter.sources.linux_processes import parse_stat
from exporter.sources.meminfo import parse_meminfo
from exporter.sources.mounts import parse_mountinfo, visible, without_repeats
from exporter.sources.netdev import parse_netdev
from exporter.sources.os_release import os_release
from exporter.sources.proc_stat import MODES, read_cpu_times
from exporter.sources.process_memory import parse_parts
from exporter.sources.process_names import display_name
from exporter.sources.users import UserNames
from exporter.sources.windows_processes import entries
from tests.fuzz.texts import contents, odd_words, texts
from tests.machines import FIXTURES
from tests.windows_table import ADDRESS, Row, table

if TYPE_CHECKING:
    from pathlib import Path

LAPTOP = FIXTURES / "laptop"
STATUS = (LAPTOP / "proc/709/status").read_bytes()
STAT = (LAPTOP / "proc/1/stat").read_bytes()
MOUNTINFO = (LAPTOP / "proc/1/mountinfo").read_text()
NETDEV = (LAPTOP / "proc/1/net/dev").read_text()
STAT_OF_CPUS = (LAPTOP / "proc/stat").read_bytes()
MEMINFO = (LAPTOP / "proc/meminfo").read_text()
OS_RELEASE = (LAPTOP / "etc/os-release").read_text()
PASSWD = (LAPTOP / "etc/passwd").read_bytes()
TABLE = table([Row(4, "System"), Row(88, "svchost.exe")])
BITS_64 = 2**64
PROGRAMS = [
    "python3",
    "node",
    "deno",
    "java",
    "ruby",
    "perl5.36",
    "php",
    "sh",
    "Rscript",
    "lua",
    "MainThread",
    "",
    "a" * 15,
]
OPTIONS = [
    "-c",
    "-m",
    "-W",
    "-jar",
    "-cp",
    "--eval",
    "-e",
    "-",
    "--",
    "-X",
    "--file=x",
    "-I",
    "@x",
    "/x/run.py",
    "a b.sh",
]


@given(contents(STAT))
def test_a_stat_line_gives_what_a_kernel_can_say_or_a_value_error(raw: bytes) -> None:
    try:
        stat = parse_stat(raw)
    except ValueError:
        return
    for number in (stat.pid, stat.flags, stat.threads, stat.start_ticks, stat.cpu_ticks):
        assert 0 <= number < 2 * BITS_64
    assert stat.rss_pages < BITS_64
    assert len(stat.state) == 1


@given(contents(TABLE))
def test_the_table_of_windows_gives_whole_entries_or_a_value_error(raw: bytes) -> None:
    try:
        found = list(entries(memoryview(raw), ADDRESS))
    except ValueError:
        return
    assert 1 <= len(found) <= len(raw)
    for entry in found:
        assert len(entry.name) <= len(raw)


@given(contents(STATUS))
def test_a_status_file_gives_what_a_kernel_can_say_of_memory_or_nothing(raw: bytes) -> None:
    parts = parse_parts(raw)
    assert parts is None or all(0 <= each < BITS_64 for each in parts)


@given(texts(NETDEV))
def test_net_dev_gives_counters_by_names_that_are_folders(text: str) -> None:
    for name, counters in parse_netdev(text).items():
        assert name
        assert not {"/", "\0"} & set(name)
        for field in counters.__slots__:
            value = getattr(counters, field)
            assert isnan(value) or value >= 0


@given(texts(MOUNTINFO, lambda raw: raw.decode(errors="surrogateescape")))
def test_mountinfo_gives_each_mountpoint_once(text: str) -> None:
    mounts = visible(parse_mountinfo(text))
    assert len({mount.mountpoint for mount in mounts}) == len(mounts) <= text.count("\n") + 1
    assert set(without_repeats(mounts)) <= set(mounts)


def _words() -> st.SearchStrategy[list[str]]:
    odd = odd_words().map(lambda raw: raw.decode(errors="replace"))
    return st.lists(st.sampled_from(OPTIONS) | odd, max_size=8)


@given(comm=st.sampled_from(PROGRAMS) | texts("python3 train.py"), words=_words())
def test_a_name_is_short_can_be_printed_and_is_never_empty(comm: str, words: list[str]) -> None:
    name = display_name(comm, lambda: words)
    assert name.strip()
    assert name.isprintable()
    assert len(name) <= len(comm) + 90


SECRET = "hunter2"


@given(program=st.sampled_from(PROGRAMS), words=_words(), place=st.integers(1, 8))
def test_nothing_behind_the_script_is_ever_shown(program: str, words: list[str], place: int) -> None:
    command = [program, "/srv/run.py", *words]
    command.insert(place + 1, SECRET)
    assert SECRET not in display_name(program, lambda: command)


def test_a_command_line_of_a_million_words_is_gone_through_once() -> None:
    """Popping words off the front of a list took minutes, and any user can start such a process."""
    words = ["python3", *["-I", "-x"] * 500_000]
    begin = time.process_time()
    display_name("python3", lambda: words)
    assert time.process_time() - begin < 20


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host")
    for path in ("etc", "proc"):
        (folder / path).mkdir(parents=True)
    return folder


@given(contents(STAT_OF_CPUS))
@example(b"cpu 1\ncpu4294967295 1 2 3\ncpu9999999999 1\nbtime x")
@example(b"cpu " + b"9" * 5000)
def test_a_stat_file_of_any_content_is_cpus_with_numbers_or_an_error(root: Path, content: bytes) -> None:
    (root / "proc/stat").write_bytes(content)
    with suppress(OSError):  # no CPU
        times = read_cpu_times(Host(str(root)))
        for seconds in (times.total, *times.cores.values()):
            assert set(seconds) <= set(MODES)
            assert all(isinstance(each, float) for each in seconds.values())


@given(texts(MEMINFO))
@example("MemTotal: 1 kB\nMemAvailable: " + "9" * 5000)
def test_a_meminfo_of_any_content_is_numbers_by_name(text: str) -> None:
    assert all(isinstance(amount, (int, float)) for amount in parse_meminfo(text).values())


@given(texts(OS_RELEASE))
@example('PRETTY_NAME="\\')
@example("NAME=" + "'\"" * 2000)
def test_an_os_release_of_any_content_has_a_name_or_none(text: str) -> None:
    assert os_release(text, "NAME") == os_release(text, "NAME").strip()
    assert os_release(text, "NO_SUCH_NAME_AT_ALL") == ""


@given(contents(PASSWD), st.integers(0, 2**32 - 1) | st.sampled_from([0, 1000]))
def test_a_user_has_a_name_that_can_be_printed(root: Path, passwd: bytes, uid: int) -> None:
    (root / "etc/passwd").write_bytes(passwd)
    name = UserNames(Host(str(root))).name(uid)
    assert name
    assert name.isprintable()


@given(st.text(alphabet="ab*?[]!-,\\^.\n() ") | st.text(), st.text())
def test_every_text_is_a_list_of_patterns(globs: str, name: str) -> None:
    assert Patterns(globs).match(name) in {True, False}


@given(st.text(st.characters(exclude_categories=[])))
def test_what_is_printable_can_be_written_in_any_encoding_of_unicode(text: str) -> None:
    assert printable(text).encode().decode() == printable(text)
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
