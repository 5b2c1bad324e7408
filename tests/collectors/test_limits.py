"""The kernel's limits: how much of each is used, and what is the machine's and not the container's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.collectors import limits
from exporter.collectors.limits import EVERY, Holder, Limit, Limits
from exporter.machine import open_machine
from exporter.settings import Settings
from exporter.sources.host import LINUX
from exporter.thresholds import Level

if TYPE_CHECKING:
    from tests.machines import FixtureMachine

STAT = "proc/1/net/stat/nf_conntrack"
MAX = "proc/sys/net/netfilter/nf_conntrack_max"


def limit(section: Limits, resource: str) -> Limit:
    return next(each for each in section.limits if each.resource == resource)


def again(machine: FixtureMachine) -> Limits:
    """Return the section of a sample in which it is read anew."""
    section = machine.sample(EVERY).section(Limits)
    assert section is not None
    return section


def test_what_is_used_and_what_there_can_be(laptop: FixtureMachine) -> None:
    assert laptop.read(Limits) == Limits(
        (
            Limit("descriptors", 9216, 9223372036854775807),
            Limit("threads", 467, 127543),
            Limit("conntrack", 2295, 262144),
        ),
        hung_tasks=2,
        tcp_retransmitted_segments=4821,
        tcp_listen_overflows=37,
    )


def test_a_limit_that_cannot_be_reached_is_a_share_of_0(laptop: FixtureMachine) -> None:
    assert limit(laptop.read(Limits), "descriptors").usage_ratio() == pytest.approx(0)
    assert laptop.exposition().value("host_file_descriptors_limit") == 2.0**63


def test_the_number_of_threads_is_limited_by_the_smaller_of_two(laptop: FixtureMachine) -> None:
    laptop.write("proc/sys/kernel/pid_max", "32768\n")
    assert limit(laptop.read(Limits), "threads") == Limit("threads", 467, 32768)


def test_a_container_does_not_take_its_own_pid_max_for_that_of_the_machine(laptop: FixtureMachine) -> None:
    """Since Linux 6.14 each PID namespace has its own: 4194304, whatever the machine's is."""
    laptop.write("proc/1/status", "Name:\thost-exporter\nNSpid:\t8123\t7\nThreads:\t1\n")
    laptop.write("proc/sys/kernel/osrelease", "6.12.43-amd64\n")
    assert limit(laptop.read(Limits), "threads") == Limit("threads", 467, 127543), "one for all before"
    for release in ("6.14.0-1-amd64", "7.0.1", "6.18"):
        laptop.write("proc/sys/kernel/osrelease", f"{release}\n")
        assert limit(again(laptop), "threads") == Limit("threads", 467, None)
    names = {each.name for each in laptop.exposition().samples}
    assert "host_threads_used" in names
    assert "host_threads_limit" not in names


def test_a_pid_above_the_other_limit_shows_that_the_pid_max_of_the_machine_is_larger(laptop: FixtureMachine) -> None:
    laptop.write("proc/1/status", "Name:\thost-exporter\nNSpid:\t8123\t7\nThreads:\t1\n")
    laptop.write("proc/sys/kernel/osrelease", "6.18.1\n")
    laptop.write("proc/sys/kernel/threads-max", "600\n")  # the fixture has PID 712
    laptop.read(Limits)
    assert limit(again(laptop), "threads") == Limit("threads", 467, 600)


def test_the_entries_are_hexadecimal_and_those_of_the_machine(laptop: FixtureMachine) -> None:
    lines = laptop.path(STAT).read_text().splitlines()
    assert len(lines) == 3, "a row for each CPU, each with the same number"
    laptop.write(STAT, f"{lines[0]}\n0003ffff  rest\n0003ffff  rest\n")
    found = limit(laptop.read(Limits), "conntrack")
    assert (found.used, found.limit) == (262143, 262144)


def test_a_limit_that_the_namespace_of_the_exporter_may_set_is_not_that_of_the_machine(laptop: FixtureMachine) -> None:
    laptop.path("proc/self").unlink()
    laptop.write("proc/self/net/stat/nf_conntrack", "entries\n00000000\n")  # another network namespace
    laptop.path(MAX).chmod(0o644)
    assert limit(laptop.read(Limits), "conntrack") == Limit("conntrack", 2295, None)
    laptop.path(MAX).chmod(0o444)  # it is one for all, and only the first namespace may set it
    assert limit(again(laptop), "conntrack") == Limit("conntrack", 2295, 262144)


def test_a_limit_of_0_is_none(laptop: FixtureMachine) -> None:
    """Prometheus would divide by it: an infinite share of what is allowed is a critical alert."""
    laptop.write(MAX, "0\n")
    laptop.write("proc/sys/fs/file-nr", "1 0 0\n")
    laptop.write("proc/sys/kernel/threads-max", "0\n")
    assert laptop.read(Limits).limits == (
        Limit("descriptors", 1, None),
        Limit("threads", 467, None),
        Limit("conntrack", 2295, None),
    )
    assert limit(again(laptop), "conntrack").usage_ratio() is None
    assert "host_file_descriptors_limit" not in laptop.exposition().names()


@pytest.mark.parametrize(
    ("path", "text", "lost"),
    [
        ("proc/sys/fs/file-nr", "9216\n", "descriptors"),
        ("proc/sys/fs/file-nr", f"{'9' * 6000} 0 1000\n", "descriptors"),
        ("proc/sys/fs/file-nr", "-9 0 1000\n", "descriptors"),
        ("proc/sys/fs/file-nr", "1_0 0 1000\n", "descriptors"),
        ("proc/loadavg", "0.5 0.5 0.5\n", "threads"),
        ("proc/loadavg", f"0.5 0.5 0.5 1/{'9' * 6000} 7\n", "threads"),
        (STAT, "entries\n0x1_0 0\n", "conntrack"),
        (STAT, f"entries\n{'f' * 6000} 0\n", "conntrack"),
        (STAT, "entries\n", "conntrack"),
        (STAT, "entries\nxyz\n", "conntrack"),
        (STAT, "", "conntrack"),
    ],
)
def test_what_cannot_be_read_is_absent_and_the_rest_is_there(
    laptop: FixtureMachine, path: str, text: str, lost: str
) -> None:
    laptop.write(path, text)
    found = {each.resource for each in laptop.read(Limits).limits}
    assert found == {"descriptors", "threads", "conntrack"} - {lost}


@pytest.mark.parametrize(
    "text",
    [
        "Tcp: RetransSegs\n",
        "Tcp: A\nTcp: 1\n",
        "Tcp: RetransSegs\nTcp: x\n",
        "",
        f"Tcp: RetransSegs\nTcp: {'9' * 6000}\n",
    ],
)
def test_tcp_counters_that_cannot_be_read_are_absent(laptop: FixtureMachine, text: str) -> None:
    laptop.write("proc/1/net/snmp", text)
    section = laptop.read(Limits)
    assert (section.tcp_retransmitted_segments, section.tcp_listen_overflows) == (None, 37)


def test_a_machine_that_shows_none_of_it_has_no_section(server: FixtureMachine) -> None:
    assert server.try_read(Limits) is None


def test_near_a_limit_is_a_finding_and_names_the_programs_with_the_most_threads(laptop: FixtureMachine) -> None:
    assert "host_top_process_threads" not in {each.name for each in laptop.exposition().samples}
    for most, level, bound in ((583, Level.WARNING, 0.8), (491, Level.CRITICAL, 0.95), (400, Level.CRITICAL, 0.95)):
        laptop.write("proc/sys/kernel/threads-max", f"{most}\n")
        snapshot = laptop.sample(EVERY)
        (found,) = [each for each in snapshot.findings() if each.kind == "HostLimitNear"]
        assert (found.subject, found.level, found.limit, found.culprits) == ("threads", level, bound, "threads")
        section = snapshot.section(Limits)
        assert section is not None
        assert section.holders == (
            Holder("java app.jar", 40),
            Holder("Web (Content) 1", 20),
            Holder("node server.js", 11),
        )
    assert laptop.exposition(snapshot).value("host_top_process_threads", name="java app.jar") == 40
    laptop.write("proc/sys/kernel/threads-max", "584\n")
    assert not [each for each in laptop.sample(EVERY).findings() if each.kind == "HostLimitNear"]


def test_each_limit_is_a_finding_of_its_own(laptop: FixtureMachine) -> None:
    laptop.write("proc/sys/fs/file-nr", "960\t0\t1000\n")
    laptop.write(MAX, "2295\n")
    found = {each.subject: each for each in laptop.sample().findings() if each.kind == "HostLimitNear"}
    assert {subject: each.level for subject, each in found.items()} == {
        "descriptors": Level.CRITICAL,
        "conntrack": Level.CRITICAL,
    }
    assert found["conntrack"].culprits == "", "who has connections or open files is only for root to see"


@pytest.mark.skipif(not LINUX, reason="the kernel's limits are those of Linux")
def test_this_machine_has_limits() -> None:
    section = limits.read(open_machine(Settings()), None)
    assert section is not None
    for resource in ("descriptors", "threads"):
        found = limit(section, resource)
        assert found.limit is not None
        assert 0 < (found.used or 0) < found.limit
