"""Simulated machines, scraped over HTTP."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.fleet.fleet import Fleet, host
from tests.fleet.server import Simulator
from tests.tools.bench_client import Scraper
from tests.tools.ports import free_port

NOW = 1_795_000_000.0


def test_they_are_served_on_kept_connections_and_refuse_while_they_are_away() -> None:
    fleet = Fleet(100)
    leaving = next(machine for machine in fleet.machines if machine.life.away_for)
    life, number = leaving.life, leaving.number
    # The next time it goes down, and a minute before.
    goes = NOW + life.away_every - (NOW - life.offset) % life.away_every
    clock = [goes - 20]
    port = free_port()

    async def scenario() -> None:
        simulator = Simulator(fleet, port, lambda: clock[0])
        await simulator.turn()
        running = asyncio.ensure_future(simulator.run())
        scraper = await asyncio.to_thread(connect, port, number)
        first = await asyncio.to_thread(scraper.scrape)
        assert b"Content-Encoding: gzip" in first[0]
        assert gzip.decompress(first[1]) == fleet.exposition(number, clock[0])
        clock[0] += 15
        assert gzip.decompress((await asyncio.to_thread(scraper.scrape))[1]) == fleet.exposition(number, clock[0])
        clock[0] = goes + 1
        await simulator.turn()
        with pytest.raises(OSError, match=r"closed|reset"):
            await asyncio.to_thread(scraper.scrape)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(connect, port, number)
        clock[0] = goes + life.away_for + 1
        await simulator.turn()
        again = await asyncio.to_thread(connect, port, number)
        await asyncio.to_thread(again.scrape)
        for each in (scraper, again):
            each.__exit__()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(scenario())


def connect(port: int, number: int) -> Scraper:
    return Scraper(port, wait=10, address=host(number))
