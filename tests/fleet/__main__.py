"""Simulate a fleet: serve each machine on its own address and write a target file for targets/ (Linux).

Half have the series of the laptop fixture, half those of the server fixture. A few exceed their thresholds, fill up,
reboot or disappear for minutes. The same seed gives the same machines. Ctrl-C stops it.
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
    """Serve until told to stop; calls ``listed`` once all machines are listening."""
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
    parser.add_argument("machines", type=int, help="number of machines")
    parser.add_argument("--port", type=int, required=True, help="port, the same on every address")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--targets", type=Path, help="target file to write, without the first machine (127.0.0.1)")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("each machine needs its own address in 127.0.0.0/8: Linux only")
    fleet = Fleet(args.machines, args.seed)

    def write() -> None:
        if args.targets:
            args.targets.write_text(targets(fleet.machines[1:], args.port), encoding="utf-8")

    asyncio.run(serve(fleet, args.port, write))


if __name__ == "__main__":
    main()
