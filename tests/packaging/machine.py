"""A machine booted by systemd-nspawn with its own systemd: it has this machine's /usr and is otherwise empty."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support_servers import missing, program

if TYPE_CHECKING:
    from collections.abc import Mapping

SYSTEMD = Path("/usr/lib/systemd/systemd")
LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Top-level folders that are links into /usr."""
ASK_STATUS = """
import json, ssl, sys, urllib.error, urllib.request as r
try:
    request = r.Request(sys.argv[1], headers=json.loads(sys.argv[2]))
    print(r.urlopen(request, timeout=20, context=ssl._create_unverified_context()).status)
except urllib.error.HTTPError as refused:
    print(refused.code)
"""


class Machine:
    """Its files are in ``root``; its network is isolated. Stopped by PID. One in a folder of before boots once more."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._log = folder / "console"
        if os.geteuid() != 0:
            missing("a machine with a systemd of its own needs root")
        self._nspawn = program("systemd-nspawn", hint="apt install systemd-container")
        if not SYSTEMD.exists() or not Path("/bin").is_symlink():
            missing("this machine has no systemd, or programs outside of /usr")

    def __enter__(self) -> Self:
        if not self.root.exists():
            self._make_root()
        command = [
            self._nspawn,
            f"--directory={self.root}",
            "--register=no",
            "--keep-unit",
            "--machine=host-exporter-test",
        ]
        # Asking for the state of the clock, which the kernel allows everybody on a real machine.
        command += ["--system-call-filter=adjtimex clock_adjtime clock_adjtime64"]
        command += ["--private-network", "--bind-ro=/usr", f"--bind={self.root}/local:/usr/local"]
        # cgroup v2, as on current systems: with v1, systemd may not notice that a service's last process has exited.
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--boot"], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            # Its first process exists before its systemd responds.
            if self._first() and self.run("systemctl is-system-running").stdout.strip() in {"running", "degraded"}:
                return self
            time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"it did not start: {self._log.read_text(errors='replace')[-2000:]}")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)  # asks it to shut down
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait()

    @property
    def inside(self) -> str:
        """Its root folder with what is mounted in it, as seen from outside."""
        return f"/proc/{self._first()}/root"

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script inside, as root in /src; "sudo" exists there."""
        shell = ["sh", "-ec", f'sudo() {{ "$@"; }}; cd /src\n{script}']
        return subprocess.run(
            ["nsenter", f"--target={self._first()}", "--all", *shell],
            env={"PATH": "/usr/local/bin:/usr/bin:/usr/sbin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def log(self) -> str:
        """Return the service's log."""
        return self.run("journalctl --unit host-exporter --no-pager").stdout

    def get(self, path: str) -> str:
        """Return a response of the exporter inside."""
        ask = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=20).read().decode())"
        command = ["nsenter", f"--target={self._first()}", "--net", sys.executable, "-c", ask]
        return subprocess.check_output([*command, f"http://127.0.0.1:5000{path}"], text=True, timeout=60)

    def status(self, scheme: str, path: str, headers: Mapping[str, str]) -> int:
        """Return the HTTP status of the exporter inside, without verifying its certificate."""
        command = ["nsenter", f"--target={self._first()}", "--net", sys.executable, "-c", ASK_STATUS]
        return int(
            subprocess.check_output([*command, f"{scheme}://127.0.0.1:5000{path}", json.dumps(headers)], text=True)
        )

    def _first(self) -> str:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return children[0] if children else ""

    def _make_root(self) -> None:
        for name in ("usr", "etc/systemd/system", "home", "local/bin", "opt", "srv", "src", "tmp", "var"):
            (self.root / name).mkdir(parents=True)
        for name in LINKED:
            if (link := Path("/", name)).is_symlink():
                (self.root / name).symlink_to(link.readlink())
        for name in ("passwd", "group", "os-release", "nsswitch.conf"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)
        # With a machine ID this is not a first boot, which would enable all services of /usr.
        (self.root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
