"""Prometheus' own linter, run on what the real exporter serves."""

from __future__ import annotations

import subprocess

import pytest

from tests.support import Exporter, fetch
from tests.support_servers import program


@pytest.fixture(scope="module")
def promtool() -> str:
    return program("promtool")


def complaints(promtool: str, exposition: bytes) -> tuple[int, str]:
    """Return promtool's exit code and output; the output is empty if all is well."""
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposition, capture_output=True, check=False, timeout=30
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def test_promtool_has_nothing_to_say_about_the_metrics(promtool: str, exporter: Exporter) -> None:
    assert complaints(promtool, exporter.get().body) == (0, "")


@pytest.mark.parametrize("flags", [("--top", "10"), ("--bind-mounts", "--disk-partitions", "--exclude-interfaces", "")])
def test_promtool_has_nothing_to_say_about_more_series(promtool: str, flags: tuple[str, ...]) -> None:
    with Exporter(*flags) as running:
        assert complaints(promtool, running.get().body) == (0, "")


def test_promtool_has_nothing_to_say_about_each_collector_alone(promtool: str, exporter: Exporter) -> None:
    names = exporter.samples().labels("host_exporter_collector_success", "collector")
    assert names
    for name in names:
        body = fetch(f"{exporter.url}/metrics?collect[]={name}").body
        assert complaints(promtool, body) == (0, ""), name


def test_promtool_would_complain_about_a_counter_without_total(promtool: str) -> None:
    """The tests above mean something only if this promtool checks names at all."""
    code, text = complaints(promtool, b"# HELP host_reads Reads.\n# TYPE host_reads counter\nhost_reads 1\n")
    assert code != 0
    assert "_total" in text
