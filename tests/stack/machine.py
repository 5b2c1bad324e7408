"""A machine of its own, as far as the kernel can make one: the whole stack in its own network and process namespace.

Run with a folder, a name and the neighbour's address, it is what runs inside; it prints what happens, a line each.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.stack.support import make_chain, query
from tests.support import eventually
from tests.support_servers import program
from tests.tools.stack.shipped import ROOT

PORT = 5000
SCRAPED = "scrapes its neighbour"


class Machine:
    """Starts when the block begins; ``lines`` is what it has printed, with each mail's subject."""

    def __init__(self, folder: Path, name: str, address: str, neighbour: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self.address = address
        self._command = [sys.executable, "-m", "tests.stack.machine", str(folder), name, neighbour]
        self._news = threading.Condition()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        alone = [program("unshare"), "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        inside = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh", *self._command]
        self.process = subprocess.Popen([*alone, *inside], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._stack.callback(self.kill)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        here = Path("/proc/self/ns/net").readlink()
        eventually(lambda: Path(f"/proc/{self.process.pid}/ns/net").readlink() != here)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def kill(self) -> None:
        """End it as a power cut does: all its processes, and with them its network."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()

    def ip(self, *words: str) -> None:
        """Run ``ip`` inside."""
        place = f"--net=/proc/{self.process.pid}/ns/net"
        subprocess.run([program("nsenter"), place, "ip", *words], check=True, capture_output=True)

    def wait(self, text: str, seconds: float = 120) -> str:
        """Return the next line that contains a text, from now on or not yet waited for."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for number, line in enumerate(self.lines):
                    if text in line:
                        del self.lines[: number + 1]
                        return line
                left = deadline - time.monotonic()
                assert left > 0, f"{self.name} does not say {text!r} in {seconds} s, but {self.lines}"
                self._news.wait(left)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.strip())
                self._news.notify_all()


def join(one: Machine, other: Machine) -> None:
    """Connect two machines by a cable."""
    ends = [["name", "eth0", "netns", str(machine.process.pid)] for machine in (one, other)]
    command = [program("ip"), "link", "add", *ends[0], "type", "veth", "peer", *ends[1]]
    subprocess.run(command, check=True, capture_output=True)
    for machine in (one, other):
        machine.ip("address", "add", f"{machine.address}/24", "dev", "eth0")
        machine.ip("link", "set", "eth0", "up")


def main(folder: Path, name: str, neighbour: str) -> None:
    """Run the stack and watch the neighbour until killed."""
    variables = {"MACHINE_NAME": name, "EXPORTER_PORT": str(PORT)}
    chain = make_chain(folder, variables, exporter=("--host", "0.0.0.0"), on_mail=lambda mail: say(mail.subject))
    with chain:
        (chain.targets / "neighbour.yml").write_text(f'- targets: ["{neighbour}:{PORT}"]\n')
        eventually(lambda: query(chain, f'up{{job="host", instance="{neighbour}:{PORT}"}} == 1'), 120)
        say(SCRAPED)
        signal.pause()


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
