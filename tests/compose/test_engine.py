"""Runs before the other tests here start an engine: a killed pytest leaves neither a Docker engine nor its mounts."""

from __future__ import annotations

from pathlib import Path

from tests.killed import InnerTests


def test_a_killed_pytest_leaves_no_engine(tmp_path: Path) -> None:
    with InnerTests(tmp_path, "test_docker_engine") as tests:
        assert tests.kinds("dockerd", "containerd") == {"dockerd", "containerd"}
        tests.process.kill()
        tests.wait_for_the_end(tests.below)
    assert str(tmp_path.parent) not in Path("/proc/mounts").read_text()
