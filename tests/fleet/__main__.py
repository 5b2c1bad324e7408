"""Serve machines that do not exist, each under an address of its own, and write a file for targets/ with them (Linux).

Half have the series of the fixture laptop, half of the fixture server. A few are over their thresholds, fill up, are
started anew or go away for minutes. The same seed gives the same machines. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from tests.fleet.fleet import Fleet, targets
from tests.fleet.server import Simulator


async def serve(fleet: Fleet, port: int, file: Path | None) -> None:
    """Serve until told to stop; the target file is written when all are listening, without the first machine."""
    simulator = Simulator(fleet, port)
    await simulator.turn()
    if file:
        file.write_text(targets(fleet.machines[1:], port), encoding="utf-8")
    running = asyncio.ensure_future(simulator.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    parser.add_argument("machines", type=int, help="how many")
    parser.add_argument("--port", type=int, required=True, help="the same on each address")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--targets", type=Path, help="the file that lists all but the first, which is 127.0.0.1")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("each machine has an address of its own in 127.0.0.0/8: Linux only")
    asyncio.run(serve(Fleet(args.machines, args.seed), args.port, args.targets))


if __name__ == "__main__":
    main()
