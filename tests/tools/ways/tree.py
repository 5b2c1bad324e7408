"""A machine as files: its /proc, /sys and filesystems below a folder, alike for every exporter that reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

UP_FOR = 12 * 86400
"""Seconds that the machine has been running: what alerts for a reboot has nothing to say."""
MEMORY = 16 << 20
"""KiB"""
CPUS = 4


class Tree:
    """A healthy server below ``root``: 4 CPUs, 16 GiB, one SSD with one filesystem, five programs."""

    def __init__(self, root: Path, name: str, *, real: bool = False) -> None:
        """With ``real`` its processes are real ones, in a namespace of their own: ``init`` is the ID of its first."""
        self.root = root
        self.real = real
        self._covers = root.with_name(f"{root.name}.covers")
        self.init = 0
        if real:
            self._processes()
        for path, text in {**_files(name, int(time.time())), **({} if real else _programs())}.items():
            if not real or not path.startswith("proc/") or os.path.exists(f"/{path}"):
                self.write(path, text)
        if not real:
            self.link("proc/self", "1")
            self.link("proc/net", "self/net")
            self.memory(0.6)
        self.mounts()

    def write(self, path: str, text: str) -> None:
        """Write a file, all at once: an exporter may be reading it."""
        if self.real and path.startswith("proc/"):
            self._cover(path, text.encode())
            return
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(f".{target.name}.new")
        new.write_text(text)
        new.rename(target)

    def _cover(self, path: str, content: bytes) -> None:
        """Show something else in place of a file of this machine's /proc."""
        cover = self._covers / path.replace("/", "-")
        if not cover.exists():
            cover.parent.mkdir(exist_ok=True)
            cover.write_bytes(content)
            subprocess.run(["mount", "--bind", cover, self.root / path], check=True)
            return
        # In place, because it is mounted, and in one piece.
        with cover.open("rb+", buffering=0) as file:
            file.write(content)
            file.truncate()

    def _processes(self) -> None:
        """Start a process namespace and show its /proc; it ends with the program that this belongs to."""
        proc = self.root / "proc"
        proc.mkdir()
        inside = f"mount -t proc proc {proc} && echo ready && exec sleep infinity"
        command = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", inside]
        outer = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert outer.stdout
        if not outer.stdout.readline():
            raise OSError("no process namespace can be made")
        self.init = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
        self._outer = outer

    def end(self) -> None:
        """End the processes."""
        if self.real:
            self._outer.kill()
            self._outer.communicate()

    def remove(self, path: str) -> None:
        """Remove a folder."""
        shutil.rmtree(self.root / path)

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def link(self, path: str, to: str) -> None:
        """Make a symbolic link."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)

    def bind(self, path: str, source: str) -> None:
        """Show a file or folder of this very machine in the tree."""
        target = self.root / path
        if os.path.isdir(source):
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
        subprocess.run(["mount", "--bind", source, target], check=True)

    def memory(self, available: float) -> None:
        """Let this share of the memory be available, and no swap."""
        rest = int(MEMORY * available)
        figures = {
            "MemTotal": MEMORY,
            "MemFree": rest // 2,
            "MemAvailable": rest,
            "Buffers": rest // 10,
            "Cached": rest // 3,
            "SwapCached": 0,
            "SwapTotal": 0,
            "SwapFree": 0,
            "Shmem": 1024,
            "SReclaimable": rest // 20,
            "HugePages_Total": 0,
            "Hugepagesize": 2048,
        }
        units = {"HugePages_Total": ""}
        lines = (f"{name}: {value}{units.get(name, ' kB')}\n" for name, value in figures.items())
        self.write("proc/meminfo", "".join(lines))

    def mounts(self) -> None:
        """Say which filesystems are mounted, as process 1 of the machine would see them."""
        device = os.stat(self.root).st_dev
        lines = [f"20 1 {os.major(device)}:{os.minor(device)} / / rw,relatime - ext4 /dev/sda2 rw,errors=remount-ro"]
        inside = f"{self.root}/"
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            words = line.split()
            if words[4].startswith(inside):
                words[1], words[4] = "20", words[4].removeprefix(str(self.root))
                lines.append(" ".join(words))
        text = "\n".join(lines) + "\n"
        if not (self.root / "proc/1/mountinfo").exists() or text != self.read("proc/1/mountinfo"):
            self.write("proc/1/mountinfo", text)
            mounts = (line.split(" - ") for line in lines)
            table = ((left.split(), right.split()) for left, right in mounts)
            rows = (f"{right[1]} {left[4]} {right[0]} {left[5]},{right[2]} 0 0\n" for left, right in table)
            self.write("proc/1/mounts", "".join(rows))


def _files(name: str, now: int) -> dict[str, str]:
    """Return what stands still."""
    return {
        "etc/hostname": f"{name}\n",
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n',
        "etc/passwd": "root:x:0:0:root:/root:/bin/bash\npostgres:x:112:120::/var/lib/postgresql:/bin/bash\n",
        "proc/uptime": f"{UP_FOR}.00 {UP_FOR * CPUS * 0.9:.2f}\n",
        "proc/loadavg": "0.40 0.45 0.42 1/180 4242\n",
        "proc/vmstat": "pgpgin 100\npgpgout 100\npswpin 0\npswpout 0\npgfault 5000\npgmajfault 500\noom_kill 0\n",
        "proc/cpuinfo": "".join(
            f"processor\t: {n}\nphysical id\t: 0\ncore id\t\t: {n}\ncpu cores\t: {CPUS}\n\n" for n in range(CPUS)
        ),
        "proc/version": "Linux version 6.12.48 (debian)\n",
        "proc/sys/kernel/arch": "x86_64\n",
        "proc/sys/kernel/osrelease": "6.12.48+deb13-amd64\n",
        "proc/sys/kernel/ostype": "Linux\n",
        "proc/sys/kernel/hostname": f"{name}\n",
        "proc/sys/kernel/pid_max": "4194304\n",
        "proc/sys/kernel/threads-max": "127000\n",
        "proc/sys/kernel/hung_task_detect_count": "0\n",
        "proc/sys/fs/file-nr": "1500\t0\t800000\n",
        "proc/sys/net/netfilter/nf_conntrack_count": "300\n",
        "proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
        "proc/sys/kernel/random/entropy_avail": "256\n",
        "proc/sys/kernel/random/poolsize": "256\n",
        "proc/1/net/dev": _network(),
        "proc/1/net/snmp": "Tcp: ActiveOpens OutSegs RetransSegs\nTcp: 10 100000 10\n",
        "proc/1/net/snmp6": "Ip6InReceives 0\n",
        "proc/1/net/netstat": "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 0 0\n",
        "proc/1/net/softnet_stat": f"{' '.join(['00000000'] * 15)}\n" * CPUS,
        **{f"proc/pressure/{name}": _pressure(name) for name in ("cpu", "io", "memory")},
        "sys/class/net/eth0/operstate": "up\n",
        "sys/class/net/eth0/speed": "1000\n",
        "sys/block/sda/queue/rotational": "0\n",
        "sys/block/sda/queue/logical_block_size": "512\n",
        "sys/block/sda/size": "1000000000\n",
        "sys/block/sda/ro": "0\n",
        "sys/block/sda/removable": "0\n",
        "sys/class/block/sda/queue/rotational": "0\n",
        "sys/devices/system/cpu/offline": "\n",
        "sys/devices/system/cpu/online": f"0-{CPUS - 1}\n",
        **{path: text for n in range(CPUS) for path, text in _cpu(n).items()},
        "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
        "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc\n",
        "boot-time": f"{now - UP_FOR}\n",
    }


def _cpu(number: int) -> dict[str, str]:
    base = f"sys/devices/system/cpu/cpu{number}"
    return {
        f"{base}/online": "1\n",
        f"{base}/topology/core_id": f"{number}\n",
        f"{base}/topology/physical_package_id": "0\n",
        f"{base}/topology/core_cpus_list": f"{number}\n",
    }


def _network() -> str:
    head = (
        "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n"
    )
    return f"{head}    lo: {' '.join(['0'] * 16)}\n  eth0: 5000000 5000 0 0 0 0 0 0 4000000 4000 0 0 0 0 0 0\n"


def _pressure(name: str) -> str:
    rest = "avg10=0.00 avg60=0.00 avg300=0.00 total"
    return f"some {rest}=1000000\n" + ("" if name == "cpu" else f"full {rest}=500000\n")


PROGRAMS = {
    1: ("systemd", "/sbin/init", 3000, 0),
    700: ("postgres", "/usr/lib/postgresql/17/bin/postgres", 400_000, 40),
    701: ("python3", "/usr/bin/python3\0/srv/train.py", 700_000, 70),
    702: ("node", "/usr/bin/node\0/srv/server.js", 60_000, 6),
    703: ("sshd", "/usr/sbin/sshd\0-D", 2000, 0),
}
"""By process ID: name, command, pages of memory, oom_score."""
BUSY = 701
"""The process that uses what CPU time is used."""


def stat_line(pid: int, ticks: int, faults: int = 0) -> str:
    """Return /proc/PID/stat of a process that has used so much CPU time, in hundredths of a second."""
    name, _, pages, _ = PROGRAMS[pid]
    size = pages * 4096 * 2
    return (
        f"{pid} ({name}) S 1 {pid} {pid} 0 -1 4194304 1200 0 {faults} 0 {ticks} 100 0 0 20 0 8 0 5000 {size} {pages} "
        "18446744073709551615 1 1 0 0 0 0 0 4096 81920 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    )


def _programs() -> dict[str, str]:
    files: dict[str, str] = {}
    for pid, (name, command, pages, score) in PROGRAMS.items():
        memory = f"VmRSS:\t{pages * 4} kB\nRssAnon:\t{pages * 4} kB\n"
        files |= {
            f"proc/{pid}/stat": stat_line(pid, 1000),
            f"proc/{pid}/comm": f"{name}\n",
            f"proc/{pid}/cmdline": f"{command}\0",
            f"proc/{pid}/status": f"Name:\t{name}\nUid:\t0\t0\t0\t0\n{memory}",
            f"proc/{pid}/oom_score": f"{score * 10}\n",
            f"proc/{pid}/oom_score_adj": "0\n",
        }
    return files
