"""``python -m tests.tools.ways [--minutes N] [--settle S] [--write] [WAY ...]``: all ways at once, or some."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.tools.ways.peers import Peer
from tests.tools.ways.run import Run
from tests.tools.ways.scenes import WAYS
from tests.tools.ways.table import table, write

APART = "HOST_EXPORTER_WAYS_APART"
"""Set once this runs in a mount namespace of its own, where all that it mounts ends with it."""


def main() -> None:
    """Break all machines, print the table, and write it into the documentation if asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.ways")
    parser.add_argument("--minutes", type=float, default=65, help="how long to wait for what either side says")
    parser.add_argument("--settle", type=float, default=150, help="seconds in which all is well before")
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    parser.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(way.name for way in WAYS))
    given = parser.parse_args()
    if unknown := set(given.ways) - {way.name for way in WAYS}:
        parser.error(f"{', '.join(sorted(unknown))}: no such way; there are {', '.join(way.name for way in WAYS)}")
    if os.geteuid() != 0:
        sys.exit("the faults are real ones, so this needs root")
    if APART not in os.environ:
        apart = [shutil.which("unshare") or "unshare", "--mount", "--propagation", "private"]
        command = [*apart, sys.executable, "-m", "tests.tools.ways", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, APART: "1"}, check=False).returncode)
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"# {time.monotonic() - begin:6.1f} {text}", file=sys.stderr, flush=True)

    peer = Peer.fetch(say)
    ways = [way for way in WAYS if not given.ways or way.name in given.ways]
    with tempfile.TemporaryDirectory(prefix="ways-") as name:
        folder = Path(name)
        # In memory: what the machines' files say, they say at once, whatever this machine's disk does meanwhile.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g,mode=755", "ways", folder], check=True)
        try:
            with Run(ways, folder, peer, say) as run:
                run.play(given.settle, given.minutes * 60)
                results = list(run.results.values())
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
    for result in results:
        for mail in result.others:
            say(f"beside it, {result.way.name}: {mail.subject}")
    print(table(results, given.minutes, peer))
    if given.write:
        write(results, given.minutes, peer)


if __name__ == "__main__":
    main()
