"""A test marked "load" runs alone."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.quiet import Quiet
from tests.support import wait_for

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_a_load_waits_for_those_that_run_and_keeps_new_ones_waiting(tmp_path: Path) -> None:
    load, first, second, late = (Quiet(tmp_path / "lock") for _ in range(4))
    seen: list[str] = []
    end = threading.Event()

    def alone() -> None:
        load.together()  # as a process does that ran another test before
        with load.alone():
            seen.append("alone")
            end.wait(20)
            seen.append("over")

    def together() -> None:
        late.together()
        seen.append("late")

    first.together()
    second.together()
    threads = [threading.Thread(target=alone), threading.Thread(target=together)]
    threads[0].start()
    first.close()
    time.sleep(0.2)
    assert seen == []
    second.close()
    wait_for(lambda: seen == ["alone"])
    threads[1].start()
    time.sleep(0.2)
    assert seen == ["alone"]
    end.set()
    for thread in threads:
        thread.join(20)
    assert seen == ["alone", "over", "late"]
    load.close()
    late.close()
