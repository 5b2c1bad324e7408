"""The one-file program, built once for all tests as ``make binary`` does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.alone import Alone
from tests.support_servers import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "packaging/binary"))
sys.path.insert(0, str(ROOT / "packaging/smart"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as ``make binary`` builds it."""
    if not sys.platform.startswith("linux"):
        missing("the one-file program is built on Linux only")
    for command in ("make", "objdump"):
        if not shutil.which(command):
            missing(f"{command} is not installed (apt install make binutils)")
    import fcntl

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # shared by all workers, so that the second finds what the first has built
    dist = folder / "dist"
    with (folder / "building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not dist.exists():
            build(tmp_path_factory.mktemp("build")).rename(dist)
    return dist / "host-exporter"


def build(folder: Path) -> Path:
    """Run ``make binary``; return the folder with the results."""
    dist = folder / "dist"
    result = subprocess.run(
        # Use the virtual environment of these tests, whatever its age.
        [
            "make",
            "--no-print-directory",
            "--old-file=.venv/dev",
            "binary",
            f"DIST={dist}",
            f"BIN={Path(sys.prefix, 'bin')}",
        ],
        cwd=ROOT,
        env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(folder / "pyinstaller")},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr
    assert {path.name for path in dist.iterdir()} == {"host-exporter", "LICENSES.txt"}, "one file, and its licences"
    return dist


@pytest.fixture
def alone(built: Path) -> Iterator[Alone]:
    """The program in an empty folder that every user can enter, away from the checkout and from any Python."""
    with tempfile.TemporaryDirectory(prefix="alone-") as folder:
        yield Alone(built, Path(folder))
