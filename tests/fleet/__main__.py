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
from typing import TYPE_CHECKING

from tests.fleet.fleet import Fleet, targets
from tests.fleet.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable


async def serve(fleet: Fleet, port: int, listed: Callable[[], None]) -> None:
    """Serve until told to stop; ``listed`` is called when all are listening."""
    simulator = Simulator(fleet, port)
    await simulator.turn()
    listed()
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
    fleet = Fleet(args.machines, args.seed)

    def write() -> None:
        if args.targets:
            args.targets.write_text(targets(fleet.machines[1:], args.port), encoding="utf-8")

    asyncio.run(serve(fleet, args.port, write))


if __name__ == "__main__":
    main()
