"""Settings with a default can be switched off, also by a variable; an empty one counts as unset."""

from __future__ import annotations

import json

import pytest

from tests.support import Exporter, run


@pytest.mark.parametrize("word", ["none", "NONE"])
def test_lists_are_switched_off(word: str) -> None:
    usual = json.loads(run("stats").stdout)
    every = json.loads(run("stats", env={"HOST_EXPORTER_EXCLUDE_INTERFACES": word}).stdout)
    names = [{interface["interface"] for interface in each["network"]["interfaces"]} for each in (usual, every)]
    assert "lo" not in names[0]
    assert "lo" in names[1]


def test_links_are_switched_off() -> None:
    links = {"HOST_EXPORTER_GRAFANA_URL": "none", "HOST_EXPORTER_PROMETHEUS_URL": "https://prometheus.example"}
    with Exporter(env=links) as exporter:
        page = exporter.get("/").text
    assert "Grafana" not in page
    assert "Prometheus" in page
