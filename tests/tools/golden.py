"""The golden file: the expected exposition of the laptop fixture. ``python -m tests.tools.golden`` rewrites it.

Review the diff before committing it: the file is the promise that the code has to keep.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from exporter.render.exposition import encode, snapshot_families
from tests.machines import FixtureMachine

GOLDEN = Path(__file__).parents[1] / "golden" / "laptop.txt"
# The exporter's own metrics differ from run to run.
VARYING = "host_exporter_"


def exposition() -> str:
    """Return the exposition of the laptop's later state, without the parts that vary."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        laptop = FixtureMachine("laptop", Path(folder), patch)
        families = snapshot_families(laptop.later(), laptop.settings.thresholds())
        steady = [family for family in families if not family.name.startswith(VARYING)]
    return encode(steady, "")[0].decode()


if __name__ == "__main__":
    GOLDEN.write_text(exposition(), encoding="utf-8")
    print(f"{GOLDEN} rewritten; review the changes: git diff {GOLDEN.name}")
