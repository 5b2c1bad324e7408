"""Invariants of every snapshot, whatever the machine's files contain: every view shows it, its values are possible."""

from __future__ import annotations

import csv
import io
import json
from itertools import cycle
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn, cast

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from rich.console import Console

from exporter.families import BELOW_ZERO
from exporter.recording.formats import CsvFormat, JsonLinesFormat
from exporter.render.exposition import encode, snapshot_families
from exporter.render.json import dumps
from exporter.render.line import plain_line
from exporter.render.rows import COLUMNS, row
from exporter.render.terminal import view
from exporter.sampling.history import History
from exporter.web import create_app

if TYPE_CHECKING:
    from exporter.model import Snapshot
    from exporter.sampling.sampler import Sampler
    from exporter.settings import Settings

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


class Showing:
    """Shows snapshots in every view. The application is created only once, because that takes longest."""

    def __init__(self, settings: Settings) -> None:
        self._thresholds = settings.thresholds()
        self._history = History()
        self._widths = cycle((20, 80, 200))  # one at a time, because drawing takes most of a check's time
        self._snapshot: Snapshot | None = None
        app = create_app(cast("Sampler", self), settings, self._history)
        app.testing = True  # exceptions surface here instead of as a 500
        self._client = app.test_client()

    def sample(self, max_age: float | None = None, limit: float = 0.0) -> Snapshot:  # noqa: ARG002 - the sampler's signature
        """Stands in for the sampler, with the one snapshot under test."""
        assert self._snapshot is not None
        return self._snapshot

    def check(self, snapshot: Snapshot) -> None:
        """Fail if a view cannot show a snapshot, or if it contains impossible values."""
        self._snapshot = snapshot
        self._history.add(snapshot)
        self._check_expositions(snapshot)
        self._check_json(snapshot)
        self._check_views(snapshot)
        self._check_rows(snapshot)

    def _check_expositions(self, snapshot: Snapshot) -> None:
        families = list(snapshot_families(snapshot, self._thresholds))
        text = encode(families, "")[0].decode()
        series = [sample for family in parse_text(text) for sample in family.samples]
        assert len({(s.name, *sorted(s.labels.items())) for s in series}) == len(series), "a series occurs twice"
        for sample in series:
            assert isfinite(sample.value), sample
            ours = sample.name.startswith(("host_", "process_"))  # a textfile's figures are its owner's
            possible = sample.value >= 0 or sample.name.endswith(BELOW_ZERO) or "inodes" in sample.name
            assert possible or not ours, sample
            assert all(value.isprintable() for value in sample.labels.values()), sample
            if sample.name.endswith("_ratio") and ours:
                assert 0 <= sample.value <= 1, sample
        parse_openmetrics: Any = openmetrics.text_string_to_metric_families  # untyped
        for family in parse_openmetrics(encode(families, OPENMETRICS)[0].decode()):
            assert family.samples

    def _check_json(self, snapshot: Snapshot) -> None:
        text = dumps(snapshot, self._thresholds)
        text.encode()
        _check_values(json.loads(text, parse_constant=_no_json))

    def _check_views(self, snapshot: Snapshot) -> None:
        for path in ("/", "/metrics", "/api/stats", "/-/ready"):
            answer = self._client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert "\x1b" not in answer.text
        width = next(self._widths)
        screen = io.StringIO()
        Console(file=screen, width=width, force_terminal=True).print(view(snapshot, self._thresholds, width))
        screen.getvalue().encode()
        line = plain_line(snapshot)
        assert line.isprintable(), line
        line.encode()

    def _check_rows(self, snapshot: Snapshot) -> None:
        values = row(snapshot)
        assert list(values) == list(COLUMNS)
        form = CsvFormat()
        (cells,) = csv.reader([form.line(values)], strict=True)
        assert len(cells) == len(COLUMNS)
        assert form.line(values).count("\n") == 1
        assert json.loads(JsonLinesFormat().line(values), parse_constant=_no_json) == values


def _check_values(value: Any, name: str = "") -> None:
    """Fail for text with control characters, and for negative numbers where there can be none."""
    if isinstance(value, dict):
        for key, item in value.items():
            assert key.isprintable(), key
            _check_values(item, key)
    elif isinstance(value, list):
        for item in value:
            _check_values(item, name)
    elif isinstance(value, str):
        assert value.isprintable(), (name, value)
        assert len(value) < 254 or name not in {"hostname", "os", "release", "machine", "state"}, (name, value)
    elif isinstance(value, (int, float)):
        assert value >= 0 or name in {"celsius", "offset_seconds"}, (name, value)


def _no_json(word: str) -> NoReturn:
    raise AssertionError(f"{word} is not JSON")
