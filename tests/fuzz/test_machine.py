"""One file of a machine has arbitrary content: a sample is taken, and every view can show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from tests.fuzz.soundness import Showing
from tests.fuzz.texts import contents
from tests.machines import FIXTURES, FixtureMachine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = FIXTURES / "laptop"
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*")
    if path.is_file() and not path.is_symlink() and path.name != "filesystems.json"
)


@st.composite
def broken_files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file of the laptop, and its content."""
    path = draw(st.sampled_from(FILES))
    return path, draw(contents((ROOT / path).read_bytes()))


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FixtureMachine]:
    with pytest.MonkeyPatch.context() as patch:
        yield FixtureMachine("laptop", tmp_path_factory.mktemp("laptop"), patch)


@pytest.fixture(scope="module")
def showing(laptop: FixtureMachine) -> Showing:
    return Showing(laptop.settings)


@pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # psutil's warnings about what a kernel lacks; the command ignores them
@settings(max_examples=settings().max_examples * 2)
@given(file=broken_files(), broken_first=st.booleans())
def test_a_file_with_anything_in_it_costs_no_more_than_its_section(
    laptop: FixtureMachine, showing: Showing, file: tuple[str, bytes], broken_first: bool
) -> None:
    path, content = file
    good = (ROOT / path).read_bytes()
    laptop.sampler = Sampler(open_machine(laptop.settings, laptop.probe), clock=laptop.clock, sleep=laptop.advance)
    laptop.write(path, content if broken_first else good)
    laptop.prime()
    laptop.write(path, good if broken_first else content)
    snapshot = laptop.sample()
    laptop.write(path, good)
    assert len(snapshot.failures()) <= 1
    showing.check(snapshot)
    snapshot = laptop.sample()
    assert not snapshot.failures(), "once its file is restored, the machine has no failures"
