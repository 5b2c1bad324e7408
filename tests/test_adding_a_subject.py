"""docs/adding-a-subject.md, followed to the letter in a copy of the tree: the subject it adds appears everywhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.sources.host import LINUX

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "adding-a-subject.md"
BLOCK = re.compile(
    r"`(?P<path>[\w./-]+)`[^`\n]*(?:\n[^`\n]*)?:\n\n```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SKIPPED = (".git", ".venv", ".cache", "dist", "__pycache__", ".*_cache", "*.egg-info")

SHOWN = """
import json, tempfile, pytest
from pathlib import Path
from exporter.web import create_app
from tests.machines import FixtureMachine
with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
    laptop = FixtureMachine("laptop", Path(folder), patch)
    laptop.write("proc/sys/kernel/random/entropy_avail", "12\\n")
    laptop.write("proc/sys/kernel/random/poolsize", "256\\n")
    laptop.prime()
    client = create_app(laptop.sampler, laptop.settings).test_client()
    print(json.dumps({path: client.get(path).text for path in ("/", "/metrics", "/api/stats", "/runbooks")}))
"""


def steps() -> Iterator[tuple[str, str, str]]:
    """Yield (path, kind of block, text) for each file that the guide creates or changes, in order."""
    text = GUIDE.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield found["path"], found["kind"], found["text"]
    assert len(BLOCK.findall(text)) == len(re.findall(r"^```(?!sh$)\w+$", text, re.MULTILINE)), "a block has no path"


def follow(tree: Path, path: str, kind: str, text: str) -> None:
    """Carry out one block of the guide."""
    file = tree / path
    if kind != "diff":
        assert not file.exists(), f"the guide creates {path}, which already exists"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return
    for hunk in text.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        now = file.read_text(encoding="utf-8")
        assert now.count(before) == 1, f"the guide's lines occur {now.count(before)} times in {path}:\n{before}"
        file.write_text(now.replace(before, after), encoding="utf-8")


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy of the tree, importing from there."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree, which shares what make has fetched."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=shutil.ignore_patterns(*SKIPPED))
    (copy / ".cache").symlink_to(ROOT / ".cache")
    return copy


@pytest.mark.skipif(not LINUX, reason="the guide's example is a Linux kernel's")
def test_the_tests_name_what_a_bare_collector_lacks(tree: Path) -> None:
    for path, kind, text in steps():
        if path.startswith("exporter/collectors/"):
            follow(tree, path, kind, text)
    done = run(tree, "-c", SHOWN)  # its partial is missing, which must not break the page
    assert done.returncode == 0, done.stderr
    assert "Entropy 4\u00a0% (warning at 25\u00a0% or less)" in json.loads(done.stdout)["/"]
    assert "entropy cannot be drawn on the page: TemplateNotFound" in done.stderr

    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_subjects.py")
    assert done.returncode == 1, done.stdout + done.stderr
    # In continuous integration pytest's summary has the whole line once more.
    (said,) = set(re.findall(r"AssertionError: the subject entropy lacks (.*)", done.stdout))
    for place in (
        "exporter/web/templates/subjects/entropy.html",
        "docs/metrics.md",
        "a panel in the Host dashboard",
        "tests/collectors/test_entropy.py",
        "the rule HostEntropyLow in alerts.yml",
        "the runbook HostEntropyLow in docs/runbooks.md",
        "tests/rules/HostEntropyLow.yml",
    ):
        assert place in said


@pytest.mark.skipif(not LINUX, reason="the guide's example is a Linux kernel's")
def test_the_guide_followed_step_by_step_adds_a_complete_subject(tree: Path) -> None:
    for step in steps():
        follow(tree, *step)
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = GUIDE.read_text(encoding="utf-8")
    (targets,) = re.findall(r"^make (golden docs dashboards)$", text, re.MULTILINE)
    for target in targets.split():
        (recipe,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", make, re.MULTILINE)
        for module in re.findall(r"-m ([\w.]+)", recipe):
            done = run(tree, "-m", module)
            assert done.returncode == 0, f"{module}: {done.stderr}"

    (last,) = re.findall(r"^## 5\..*?^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    words = shlex.split(last.partition(".venv/bin/python -m ")[2].replace("\\\n", " "))
    assert words[0] == "pytest"
    assert len(words) == 11, f"the guide's checks are not the ones that were read: {words}"
    done = run(tree, "-m", words[0], "-q", "-p", "no:cacheprovider", *words[1:])
    assert done.returncode == 0, done.stdout[-3000:]

    for check in (("format", "--check"), ("check",)):
        done = run(tree, "-m", "ruff", *check, "exporter", "grafana", "tests/collectors", "tests/test_findings.py")
        assert done.returncode == 0, done.stdout

    done = run(tree, "-c", SHOWN)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert '<h2 id="entropy">Entropy <span class="word warning">warning</span></h2>' in answers["/"]
    assert "Entropy 4\u00a0% (warning at 25\u00a0% or less)" in answers["/"]
    assert "\nhost_entropy_ratio 0.046875\n" in answers["/metrics"]
    stats = json.loads(answers["/api/stats"])
    assert stats["entropy"] == {"available_bits": 12, "available_ratio": 0.046875}
    assert "HostEntropyLow" in {finding["kind"] for finding in stats["findings"]}
    assert 'id="hostentropylow"' in answers["/runbooks"]
    assert "| `host_entropy_ratio` | gauge |" in (tree / "docs/metrics.md").read_text(encoding="utf-8")
    assert "host_entropy_ratio" in (tree / "grafana/dashboards/host.json").read_text(encoding="utf-8")
