"""The screenshots in README and docs are up to date."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.draw import shots
from tests.test_docs import PAGES
from tests.tools.pictures import mail, marks, scenes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.model import Snapshot
    from tests.tools.pictures.workstation import Workstation

LARGEST = 250_000
"""Bytes: the README must load quickly."""


@pytest.fixture(scope="module")
def taken() -> Iterator[tuple[Workstation, Snapshot]]:
    with scenes.workstation() as machine:
        yield machine, machine.live()


@pytest.mark.parametrize("name", [marks.PAGE, marks.DARK])
def test_the_picture_of_the_status_page_is_current(name: str, taken: tuple[Workstation, Snapshot]) -> None:
    marks.assert_current(name, marks.of_page(taken[0]))


@pytest.mark.parametrize("name", [marks.MAIL, marks.MAIL_DARK])
def test_the_picture_of_the_email_is_current(name: str) -> None:
    marks.assert_current(name, marks.of_mail(mail.html()))


def test_the_picture_of_the_example_is_current() -> None:
    marks.assert_current(marks.DIGITS, marks.of_digits())


@pytest.mark.parametrize("name", shots.PICTURES)
def test_the_picture_of_a_dashboard_is_current(name: str) -> None:
    marks.assert_current(name, shots.fingerprint(shots.PICTURES[name].board), "dashboards-shots")


def test_a_page_that_changes_gets_another_fingerprint() -> None:
    with scenes.workstation() as machine:
        machine.live(2)
        before = marks.of_page(machine)
        assert marks.of_page(machine) == before
        machine.live(1)
        assert marks.of_page(machine) != before


def test_the_machine_in_the_pictures_has_one_warning(taken: tuple[Workstation, Snapshot]) -> None:
    (finding,) = taken[1].findings()
    assert (finding.kind, str(finding.level), finding.missing) == ("HostHighCpu", "warning", False)


@pytest.mark.parametrize("name", [*marks.PICTURES, *shots.PICTURES])
def test_a_picture_is_sharp_and_small(name: str) -> None:
    path = marks.ROOT / name
    assert path.stat().st_size <= LARGEST
    with Image.open(path) as image:
        assert image.width >= 864
        assert set(image.info) <= {marks.KEY, "dpi"}  # no metadata about the machine on which it was taken


def test_readme_and_docs_show_exactly_the_pictures_that_make_takes() -> None:
    """A picture taken by hand goes out of date without anybody noticing."""
    shown = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
            path = (page.parent / "".join(target)).resolve()
            shown.add(path.relative_to(marks.ROOT).as_posix())
    measured = set(re.findall(r"--picture (\S+)", (marks.ROOT / "Makefile").read_text(encoding="utf-8")))
    assert shown == {*marks.PICTURES, *shots.PICTURES, *measured}
