"""Two machines that watch each other: what neither of them could tell about itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.stack.machine import SCRAPED, Machine, join
from tests.support_servers import missing, program
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOWN = "Not responding"


@pytest.mark.parametrize(("number", "service", "port"), [(0, "exporter", "5000"), (1, "exporter-tls", "5001")])
def test_the_documented_overrides_open_the_exporter_and_nothing_else(
    tmp_path: Path, number: int, service: str, port: str
) -> None:
    blocks = re.findall(r"^  ```yaml\n(.*?)^  ```", (ROOT / "docs/heartbeat.md").read_text(), re.MULTILINE | re.DOTALL)
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    (tmp_path / "docker-compose.override.yml").write_text(textwrap.dedent(blocks[number]))
    command = [program("docker-compose"), "config"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    opened = [
        (name, one["published"])
        for name in services
        for one in services[name]["ports"]
        if one["host_ip"] != "127.0.0.1"
    ]
    assert opened == [(service, port)]
    web_config = services[service]["environment"]["HOST_EXPORTER_WEB_CONFIG"]
    assert bool(web_config) is (service == "exporter-tls")
    assert not services["exporter"]["environment"]["HOST_EXPORTER_WEB_CONFIG"], "its own Prometheus cannot scrape it"
    watchers = [name for name, one in services.items() if one.get("environment", {}).get("HOST_EXPORTER_ALERTS_URL")]
    assert [name for name in watchers if services[name]["environment"]["HOST_EXPORTER_ALERTS_URL"] != "none"] == [
        "exporter"
    ]


@pytest.mark.timeout(400)
def test_each_mails_that_the_other_cannot_be_reached_and_the_survivor_that_it_is_dead(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        missing("network namespaces need root")
    folders = [tmp_path / name for name in ("attic", "cellar")]
    for folder in folders:
        folder.mkdir()
    with (
        Machine(folders[0], "attic", "192.0.2.1", "192.0.2.2") as attic,
        Machine(folders[1], "cellar", "192.0.2.2", "192.0.2.1") as cellar,
    ):
        join(attic, cellar)
        attic.wait(SCRAPED)
        cellar.wait(SCRAPED)

        cellar.ip("link", "set", "eth0", "down")
        assert attic.wait(DOWN) == f"[CRITICAL] cellar: {DOWN}"
        assert cellar.wait(DOWN) == f"[CRITICAL] attic: {DOWN}"
        cellar.ip("link", "set", "eth0", "up")
        attic.wait("[RESOLVED] cellar")
        cellar.wait("[RESOLVED] attic")

        cellar.kill()
        assert attic.wait(DOWN) == f"[CRITICAL] cellar: {DOWN}"
