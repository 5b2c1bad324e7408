"""The documentation matches the program."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from exporter.commands.cli import cli
from exporter.render.rows import COLUMNS
from exporter.settings import Settings
from tests.support import run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "packaging/*.md", "examples/*/*.md", "targets/**/README.md")
    for page in ROOT.glob(pattern)
)
LONGEST_README = 150
"""Lines: an introduction, not a manual."""


def flags() -> set[str]:
    options = [p for command in cli.commands.values() for p in command.params if isinstance(p, click.Option)]
    return {max(option.opts, key=len) for option in options}


def links(page: Path) -> list[tuple[Path, str]]:
    """Return the files that a page links to, each with the heading it names, or an empty text."""
    targets = re.findall(r"\]\((?!https://)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    return [((page.parent / file).resolve() if file else page, heading) for file, heading in targets]


def anchors(page: Path) -> set[str]:
    """Return the names under which a page's headings can be linked to: GitHub's, as most viewers make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, heading in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        assert not heading or heading in anchors(target), f"{page.name} links to {target.name}#{heading}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            waiting += [target for target, _ in links(page)]
    assert set(PAGES) - reached == set()


def test_a_heading_stands_alone() -> None:
    for page in PAGES:
        if page.suffix == ".md":
            code, before = False, ""
            for line in page.read_text().split("\n"):
                code ^= line.startswith("```")
                assert code or not before or not line.startswith("#"), (page, line)
                before = line


def test_every_flag_is_described_and_every_flag_described_exists() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    described = set(re.findall(r"`(--[a-z-]+)`", text))
    assert flags() <= described
    assert described <= flags()


def test_defaults_are_as_described() -> None:
    text = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    defaults = Settings()
    for flag in ("host", "port", "top", "max-age", "filesystem-timeout"):
        default = getattr(defaults, flag.replace("-", "_"))
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        assert f"| `--{flag}` | `{shown}` |" in text
    for name in ("exclude_fstypes", "exclude_mountpoints", "exclude_interfaces", "exclude_disks"):
        listed = ", ".join(f"`{pattern}`" for pattern in getattr(defaults, name).split(","))
        assert listed in text, name


def test_every_column_is_described_in_order() -> None:
    text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text.split("## CSV")[1], re.MULTILINE))
    assert rows == COLUMNS
    assert list(rows) == list(COLUMNS)


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, f"{page.name}: {named - targets}"


def test_every_command_is_understood() -> None:
    page = (ROOT / "docs/exporter.md").read_text(encoding="utf-8")
    lines = re.findall(r"^host-exporter ([^#\n]+)", page, re.MULTILINE)
    assert {line.split()[0] for line in lines} == set(cli.commands)
    for line in lines:
        command, *words = line.split()
        known = {name for p in cli.commands[command].params for name in p.opts}
        assert {word for word in words if word.startswith("-")} <= known, line
        assert run(command, "--help").returncode == 0
