"""A machine of the run: its tree, and both exporters that read it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from tests.tools.ports import free_port
from tests.tools.ways.life import Life
from tests.tools.ways.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.tools.ways.peers import Peer

TEXTFILES = "var/lib/prometheus/node-exporter"
"""Where node_exporter finds the files of its companions, as Debian sets it up."""


PROGRAM = """
import sys, time
from pathlib import Path
ahead, real = Path(sys.argv.pop(1)), time.time
time.time = lambda: real() + float(ahead.read_text() or 0)
from exporter.__main__ import main
main()
"""
"""The exporter, its clock ahead by the seconds in a file: this machine's is Prometheus' as well and cannot be wrong."""


class Machine:
    """``folder`` is for what its faults need besides the tree; ``stack`` ends with the machine."""

    def __init__(self, name: str, folder: Path, *, real: bool, flags: Sequence[str], peer: Peer | None) -> None:
        self.name = name
        self.folder = folder / f"{name}.files"
        self.folder.mkdir()
        self.stack = ExitStack()
        root = folder / name
        root.mkdir()
        self.tree = Tree(root, name, real=real)
        self.life = Life(self.tree)
        self.life.second()
        (root / TEXTFILES).mkdir(parents=True)
        self.port, self.peer_port = free_port(), free_port()
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        (self.folder / "clock").write_text("0\n")
        program = [sys.executable, "-c", PROGRAM, str(self.folder / "clock")]
        ours = [*program, "serve", *address, "--rootfs", str(root), "--hostname", name, *flags]
        self._commands = [ours]
        if peer:
            paths = {
                "procfs": root / "proc",
                "sysfs": root / "sys",
                "rootfs": root,
                "udev.data": root / "run/udev/data",
            }
            self._commands.append(
                [
                    str(peer.program),
                    f"--web.listen-address=127.0.0.1:{self.peer_port}",
                    f"--collector.textfile.directory={root / TEXTFILES}",
                    *(f"--path.{path}={place}" for path, place in paths.items()),
                ]
            )
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stack.close()
        finally:
            self.die()
            self.tree.end()

    def start(self) -> None:
        """Start the exporters."""
        for command in self._commands:
            with (self.folder / "log").open("ab") as log:
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))

    def die(self) -> None:
        """Take the machine away: both exporters are gone at once."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
