"""The golden exposition: what the laptop fixture comes out as. ``python -m tests.tools.golden`` rewrites it.

Read the difference before committing it: the file is the promise, the code has to keep it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from exporter.render.exposition import encode, snapshot_families
from tests.machines import FixtureMachine

GOLDEN = Path(__file__).parents[1] / "golden" / "laptop.txt"
# What the exporter says of itself differs from run to run.
VARYING = "host_exporter_"


def exposition() -> str:
    """Return the exposition of the laptop's later state, without what varies."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        laptop = FixtureMachine("laptop", Path(folder), patch)
        families = snapshot_families(laptop.later(), laptop.settings.thresholds())
        steady = [family for family in families if not family.name.startswith(VARYING)]
    return encode(steady, "")[0].decode()


if __name__ == "__main__":
    GOLDEN.write_text(exposition(), encoding="utf-8")
    print(f"{GOLDEN} is rewritten; read what changed: git diff {GOLDEN.name}")
