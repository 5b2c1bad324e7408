"""The screenshot of the window in the docs is up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support_desktop import need_tkinter
from tests.tools.pictures import marks, scenes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def sharp_display() -> Iterator[str]:
    need_tkinter()
    with scenes.screen() as display:
        yield display


def test_the_picture_of_the_window_is_current(sharp_display: str) -> None:
    with scenes.workstation() as machine, scenes.window(machine, machine.live(), sharp_display) as root:
        mark = marks.of_window(root)
    marks.assert_current(marks.WINDOW, mark)
