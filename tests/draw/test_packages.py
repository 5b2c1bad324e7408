"""Grafana's components are those of the Grafana that docker-compose.yml runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = json.loads(Path(__file__).with_name("package.json").read_text(encoding="utf-8"))


def test_the_components_are_of_the_same_minor_version() -> None:
    """Not of the same patch version: not every one of Grafana's is published."""
    run = re.search(r"image: grafana/grafana:(\d+\.\d+)\.", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert run
    versions = {version for name, version in PACKAGES["dependencies"].items() if name.startswith("@grafana/")}
    assert len(versions) == 1
    assert versions.pop().startswith(f"{run[1]}.")


def test_every_version_is_exact() -> None:
    for version in (PACKAGES["dependencies"] | PACKAGES["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
