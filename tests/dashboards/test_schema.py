"""The dashboards match the types that Grafana publishes for the version in docker-compose.yml."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.dashboards.boards import BOARDS, panels
from tests.support_servers import missing

FOLDER = Path(__file__).parents[2] / ".cache/grafana"
KINDS = {"state-timeline": "statetimeline"}  # as the folders of the types are named
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]

# The Prometheus data source reads these from an annotation; the dashboard types cover only Grafana's own.
OF_THE_DATA_SOURCE = {"target", "titleFormat", "textFormat", "tagKeys"}


def validator(name: str) -> jsonschema.Draft7Validator:
    file = FOLDER / f"{name}.json"
    if not file.exists():
        missing("Grafana's schema is not there (make schema, needs npm)")
    return jsonschema.Draft7Validator(json.loads(file.read_text(encoding="utf-8")))


def complaints(name: str, value: object) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message[:300]}" for error in validator(name).iter_errors(value)]


def without_what_the_data_source_reads(board: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(board))
    for annotation in copy["annotations"].get("list", []):
        for name in OF_THE_DATA_SOURCE:
            annotation.pop(name, None)
    return copy


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_fits_the_schema(name: str) -> None:
    assert complaints("dashboard", without_what_the_data_source_reads(BOARDS[name])) == []


@pytest.mark.parametrize(
    ("name", "panel"), PANELS, ids=lambda value: value["title"] if isinstance(value, dict) else value
)
def test_a_panels_options_fit_the_schema_of_its_kind(name: str, panel: dict[str, Any]) -> None:
    assert complaints(f"{KINDS.get(panel['type'], panel['type'])}-options", panel["options"]) == [], name
    custom = panel["fieldConfig"]["defaults"].get("custom")
    if custom is not None:
        assert complaints(f"{KINDS.get(panel['type'], panel['type'])}-custom", custom) == [], name


def test_what_does_not_fit_is_found() -> None:
    board = without_what_the_data_source_reads(BOARDS["host"])
    board["refresh"] = 30
    assert complaints("dashboard", board)
    board = without_what_the_data_source_reads(BOARDS["host"])
    board["panels"][0]["gridPos"]["x"] = "0"
    assert complaints("dashboard", board)
    assert complaints("stat-options", {"graphMode": "loud"})


def properties(name: str, definition: str) -> set[str]:
    schema: Any = validator(name).schema
    found = schema["definitions"][definition]
    return set(found["properties"])


@pytest.mark.parametrize(
    ("name", "panel"), PANELS, ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_overrides_set_what_there_is(name: str, panel: dict[str, Any]) -> None:
    """Grafana ignores a property that it does not know, so the panel would look different from what was intended."""
    known = properties("dashboard", "FieldConfig")
    kind = KINDS.get(panel["type"], panel["type"])
    for override in panel["fieldConfig"]["overrides"]:
        for entry in override["properties"]:
            inner = entry["id"].removeprefix("custom.")
            if inner == entry["id"]:
                assert inner in known, f"{name}: {inner}"
            else:
                assert inner in properties(f"{kind}-custom", "FieldConfig"), f"{name}: {inner}"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (
            "code ETARGET\nnpm error notarget No matching version found for @grafana/schema@1.2.3.",
            "types are published",
        ),
        ("code ECONNREFUSED\nnpm error syscall connect", "npm error code ECONNREFUSED"),
    ],
    ids=["not published", "no network"],
)
def test_a_schema_that_cannot_be_fetched_is_one_line(tmp_path: Path, error: str, word: str) -> None:
    script = tmp_path / "tests/tools/schema.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((FOLDER.parents[1] / "tests/tools/schema.sh").read_bytes())
    version = "1.2.3"
    (tmp_path / "docker-compose.yml").write_text(f"    image: grafana/grafana:{version}\n")
    npm = tmp_path / "bin/npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\necho 'npm error {error}' >&2\nexit 1\n")
    npm.chmod(0o755)
    path = f"{npm.parent}:{os.environ['PATH']}"
    done = subprocess.run(["sh", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, f"fetching the types of Grafana {version} from npm\n")
    assert re.fullmatch(rf"npm .* @grafana/schema {version}: .+\n", done.stderr)
    assert word in done.stderr
