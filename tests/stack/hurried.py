"""``python -m tests.stack.hurried serve ...``: the exporter, whose watch over Prometheus is in a hurry."""

from __future__ import annotations

import exporter.chain.pace
from exporter.__main__ import main
from exporter.chain.pace import Pace

PACE = Pace(
    well=1,
    doubt=0.5,
    viewed=0.3,
    answer=2,
    silent=5,
    starting=20,
    stale=5,
    unsaid=60,
    back=2,
    back_again=10,
    restless=60,
    restarts=60,
    settle=10,
    held=12,
    lasts=25,
)
"""As shipped, divided by about fifteen, like the other intervals of these tests; ``unsaid`` waits for the rule."""

if __name__ == "__main__":
    exporter.chain.pace.PACE = PACE
    main()
