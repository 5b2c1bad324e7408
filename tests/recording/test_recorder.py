"""When ``serve`` stops, its background recording ends with a whole row."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

from exporter.machine import open_machine
from exporter.recording.recorder import Recorder, open_exports
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from tests.recording.test_export import lines

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.model import Snapshot


def test_stopping_waits_for_the_row_being_written(tmp_path: Path) -> None:
    settings = Settings()
    sampler = Sampler(open_machine(settings))
    asked, go_on = threading.Event(), threading.Event()

    class Slow:
        def sample(self, max_age: float) -> Snapshot:
            asked.set()
            assert go_on.wait(30)
            return sampler.sample(max_age)

    files = open_exports(str(tmp_path / "rows.csv"), None)
    recorder = Recorder(cast("Sampler", Slow()), settings, files, interval=60)
    recorder.start()
    assert asked.wait(30)
    threading.Timer(0.3, go_on.set).start()
    recorder.stop()
    assert lines(tmp_path / "rows.csv") == 2, "the header and the row"
