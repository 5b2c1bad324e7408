"""What ``make audit`` asks about, and when it fails."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tools.audit import ROOT, locks, main, rounds

if TYPE_CHECKING:
    from pathlib import Path

# Stands in for pip-audit: notes what it was asked, and fails over the packages named in its own file "bad".
FAKE = f"""#!{sys.executable}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
lines = pathlib.Path(sys.argv[-1]).read_text().splitlines()
listed = [line.removesuffix(" \\\\") for line in lines if "==" in line]
assert sum("--hash=sha256:" in line for line in lines) >= len(listed) == len({{line.split("==")[0] for line in listed}})
with open(here / "asked", "a") as file:
    print(json.dumps([sys.argv[1:-1], listed]), file=file)
bad = [line for line in listed if line.split("==")[0] in (here / "bad").read_text().split()]
if "--strict" in sys.argv and bad:
    sys.exit(f"ERROR: {{bad[0]}} could not be audited")
"""


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    program = tmp_path / "pip-audit"
    program.write_text(FAKE)
    program.chmod(0o755)
    (tmp_path / "bad").write_text("")
    return program


def test_every_locked_package_is_asked_about_in_every_version(fake: Path) -> None:
    """Those for other systems and other versions of Python, too."""
    assert {str(path.relative_to(ROOT)) for path in locks(ROOT)} == {
        "requirements.lock", "tests/requirements.lock", "examples/digits/requirements.lock",
    }  # fmt: skip
    assert main(str(fake)) == 0
    asked = [json.loads(line) for line in (fake.parent / "asked").read_text().splitlines()]
    assert all("--strict" in flags for flags, _ in asked)
    pinned = {
        line.split()[0]
        for path in locks(ROOT)
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"[A-Za-z0-9]", line)
    }
    assert {pin for _, listed in asked for pin in listed} == pinned
    assert sum(pin.startswith("numpy==") for pin in pinned) == 2
    assert any(pin.startswith("pywin32==") for pin in pinned)


@pytest.mark.parametrize("package", ["psutil", "scipy", "pywin32"])
def test_one_that_cannot_be_audited_is_a_failure(fake: Path, package: str, capfd: pytest.CaptureFixture[str]) -> None:
    """In whatever lock file; the others are audited all the same."""
    (fake.parent / "bad").write_text(package)
    assert main(str(fake)) == 1
    error = capfd.readouterr().err
    assert re.search(rf"^ERROR: {package}==\S+ could not be audited$", error, re.MULTILINE)
    having = [str(path.relative_to(ROOT)) for path in locks(ROOT) if f"\n{package}==" in path.read_text()]
    assert error.splitlines()[-1] == f"make audit: known vulnerabilities, or could not audit: {', '.join(having)}"
    assert len((fake.parent / "asked").read_text().splitlines()) == sum(
        len(rounds(path.read_text())) for path in locks(ROOT)
    )


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize(("bad", "code"), [("", 0), ("flask", 2)])
def test_make_passes_the_failure_on(fake: Path, bad: str, code: int) -> None:
    (fake.parent / "bad").write_text(bad)
    make = ["make", "--no-print-directory", "audit", f"PIP_AUDIT={fake}", f"PYTHON={sys.executable}"]
    done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
