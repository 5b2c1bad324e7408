"""A machine's top programs: some permanent, some that come and go, which gives churn in the label values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fleet.waves import mixed, noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fleet.machine import Moment

STEADY = (
    "postgres", "java app.jar", "node server.js", "nginx", "redis-server", "python3 train.py", "mysqld", "dockerd",
    "containerd", "php-fpm", "gnome-shell", "firefox", "Xorg", "prometheus", "qemu-system-x86_64", "java kafka.jar",
)  # fmt: skip
PASSING = (
    "systemd-journald", "rsyslogd", "sshd", "cron", "systemd", "dbus-daemon", "kworker", "rcu_preempt", "chronyd",
    "python3 -m exporter", "apt-get", "dpkg", "gzip", "tar", "rsync", "git", "curl", "bash", "sh", "find", "logrotate",
    "systemd-udevd", "NetworkManager", "snapd", "packagekitd", "kswapd", "jbd2", "kcompactd", "fstrim", "smartd",
    "python3 backup.py", "perl mrtg", "make", "cc1", "ld", "mandb", "updatedb", "certbot", "irqbalance", "multipathd",
)  # fmt: skip
SHARES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.0, 0.0)
"""Each program's share of total usage; the last two are in the list because of their memory."""
TURNS = {3: 240.0, 4: 45.0}
"""The positions in the list that change programs, and after how many seconds."""
METRICS = ("host_top_process_cpu_cores", "host_top_process_memory_bytes", "host_top_process_instances")


def names(steady: tuple[str, ...], number: int, now: float) -> list[str]:
    """Return the names of the top programs, busiest first."""
    found = list(steady[:3])
    for place, turn in TURNS.items():
        # Stagger the changes, so that not all machines change at once.
        count = int((now + number * 7.3) // turn)
        found.append(PASSING[mixed(number, place, count) % len(PASSING)])
    return list(dict.fromkeys((*found, *steady[3:])))


def programs(moment: Moment) -> Iterator[tuple[str, float, int, int]]:
    """Yield name, cores, bytes and instances of each program."""
    machine, now = moment.machine, moment.now
    elapsed = 15 + 0.02 * noise(machine.number, int(now))
    for place, name in enumerate(names(machine.steady, machine.number, now)):
        ticks = int(100 * elapsed * SHARES[place] * moment.load * moment.cpus)
        own = hash_of(name) ^ machine.number
        size = moment.memory_total * (0.02 + 0.1 * abs(noise(own))) * (1 if name in STEADY else 0.02)
        pages = int(size / 4096 * (1 + 0.02 * noise(own, int(now // 60))))
        yield name, ticks / 100 / elapsed, pages * 4096, 1 + own % 4


def hash_of(name: str) -> int:
    """Return a number for a name, the same in every run."""
    return mixed(*name.encode())


def lines(moment: Moment) -> dict[str, bytes]:
    """Return the exposition lines of each of the three metrics."""
    rows = [(name.encode(), figures) for name, *figures in programs(moment)]
    return {
        metric: b"".join(b'%b{name="%b"} %a\n' % (metric.encode(), name, figures[place]) for name, figures in rows)
        for place, metric in enumerate(METRICS)
    }
