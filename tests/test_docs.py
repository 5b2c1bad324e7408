"""The documentation says what the program does."""

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
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packaging/*.md"), *ROOT.glob("examples/*/*.md")]
)


def flags() -> set[str]:
    options = [p for command in cli.commands.values() for p in command.params if isinstance(p, click.Option)]
    return {max(option.opts, key=len) for option in options}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


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
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, f"{page.name}: {named - targets}"


def test_every_command_of_the_readme_is_understood() -> None:
    for line in re.findall(r"^host-exporter ([^#\n]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE):
        command, *words = line.split()
        known = {name for p in cli.commands[command].params for name in p.opts}
        assert {word for word in words if word.startswith("-")} <= known, line
        assert run(command, "--help").returncode == 0
