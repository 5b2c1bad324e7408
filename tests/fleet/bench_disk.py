"""Disk space needed for the machines' samples, measured on a block as Prometheus writes it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fleet import history
from tests.fleet.fleet import Fleet
from tests.fleet.stack import SEED


@dataclass(frozen=True, slots=True)
class Disk:
    """A two-hour block with all samples of some machines: bytes, samples and series."""

    machines: int
    size: int
    samples: int
    series: int
    each: float
    """Series that a machine has at one time."""

    @property
    def bytes_a_sample(self) -> float:
        return self.size / self.samples


def measure_disk(machines: int = 20) -> Disk:
    """Have promtool write a two-hour block: its chunks are full, as in a long-running Prometheus."""
    begin = time.time() // history.BLOCK * history.BLOCK - history.BLOCK
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        history.blocks(history.all_of_it(Fleet(machines, SEED), begin, history.BLOCK), Path(folder), data)
        (block,) = data.iterdir()
        stats = history.stats(block)
        size = sum(file.stat().st_size for file in block.rglob("*") if file.is_file())
    each = stats["numSamples"] / machines / (history.BLOCK / history.STEP)
    return Disk(machines, size, stats["numSamples"], stats["numSeries"], each)
