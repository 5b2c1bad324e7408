"""Whatever takes long says what it does, in plain lines; what it runs is heard if it fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="make and its tools, as on Linux")

FASTER = (
    "import sys; from tests.tools import progress; progress.EVERY = 0.2; "
    "sys.exit(progress.main('installing', sys.argv[1:]))"
)


def start(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FASTER, *command],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def test_it_says_what_it_does_and_how_far_it_is(tmp_path: Path) -> None:
    seen = [tmp_path / name for name in ("first", "second")]
    wait = "until [ -e {} ]; do sleep 0.1; done"
    steps = ["echo one", "echo 'Get:2 http://mirror.example.org/debian two [3 MB]'"]
    script = "; ".join(f"{step}; {wait.format(file)}" for step, file in zip(steps, seen, strict=True))
    lines = []
    with start("sh", "-c", script) as run:
        assert run.stdout
        for line in run.stdout:
            lines.append(line.rstrip("\n"))
            # Each step lasts until its line has been read, however slow this machine is.
            for said, file in zip((r" +\d+ s  one", r" +\d+ s  Get:2 debian two \[3 MB\]"), seen, strict=True):
                if re.fullmatch(said, lines[-1]):
                    file.touch()
        assert run.wait(30) == 0
    assert lines[0] == "installing"
    assert all(file.exists() for file in seen)
    assert re.fullmatch(r" +\d+ s  done", lines[-1])
    assert all(line.isprintable() for line in lines), "no spinners: logs are read too"


def test_a_short_command_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/tools/progress.py"), "installing", "sh", "-c", "echo noise"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "installing\n", "")


@pytest.mark.parametrize(("command", "code", "said"), [
    (["sh", "-c", "echo why >&2; exit 3"], 3, "installing\nwhy\n"),
    (["sh", "-c", "kill -9 $$"], 128 + 9, "installing\n"),
    (["/none/such"], 127, "installing\n/none/such: No such file or directory\n"),
])  # fmt: skip
def test_a_command_that_fails_is_heard_and_fails(command: list[str], code: int, said: str) -> None:
    with start(*command) as run:
        assert run.communicate(timeout=30)[0] == said
    assert run.returncode == code


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 128 + signal.SIGTERM)])
def test_what_it_runs_ends_with_it_without_a_traceback(name: str, code: int) -> None:
    with start("sh", "-c", "echo $$; exec sleep 600") as run:
        assert run.stdout
        lines = iter(run.stdout.readline, "")
        found = next(filter(None, (re.search(r"\d s  (\d+)$", line.rstrip()) for line in lines)))
        if name == "SIGINT":  # as Ctrl-C in a terminal: the whole group
            os.killpg(run.pid, signal.SIGINT)
        else:
            run.terminate()
        rest = run.communicate(timeout=30)[0]
    assert run.returncode == code
    assert "Traceback" not in rest
    assert not os.path.exists(f"/proc/{found[1]}")


def test_what_make_installs_is_announced() -> None:
    """No recipe installs anything in silence."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    recipes = [
        line
        for line in text.splitlines()
        if line.startswith("\t") and re.search(r"pip install|\$\(INSTALL\)|-m venv", line)
    ]
    quick = [line for line in recipes if "$(PROGRESS)" not in line]
    assert len(recipes) >= 5
    assert [line for line in quick if "pip install --quiet uv" not in line] == []
