"""node_exporter and node-mixin's rules: built with Go into .cache/ways, never part of this repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.tools.ports import free_port
from tests.tools.stack.chain import find
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULE = "github.com/prometheus/node_exporter"
VERSION = "v1.12.1"
JSONNET = "github.com/google/go-jsonnet/cmd/jsonnet@v0.22.0"
FOLDER = ROOT / ".cache/ways"

CONFIGURATION = """
global: {{scrape_interval: 15s, evaluation_interval: 15s}}
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: node
    file_sd_configs: [{{files: ["{targets}/*.yml"]}}]
"""


@dataclass(frozen=True)
class Peer:
    """The program, and the folder of the rules that came with the same version."""

    program: Path
    rules: Path

    @classmethod
    def fetch(cls, say: Callable[[str], None]) -> Peer | None:
        """Return it, built first where it is not yet; None where it cannot be, and say why."""
        if not (go := shutil.which("go")):
            say("no Go here (golang-go): the table will not say what node_exporter and node-mixin notice")
            return None
        folder = FOLDER / VERSION
        peer = cls(folder / "node_exporter", folder / "rules")
        if (peer.rules / "rules.yml").exists():
            return peer
        peer.rules.mkdir(parents=True, exist_ok=True)

        def run(*words: str) -> str:
            environment = {**os.environ, "GOBIN": str(folder)}
            return subprocess.run(
                words, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        try:
            say(f"building node_exporter {VERSION}")
            run(go, "install", f"{MODULE}@{VERSION}")
            run(go, "install", JSONNET)
            mixin = f"{json.loads(run(go, 'mod', 'download', '-json', f'{MODULE}@{VERSION}'))['Dir']}/docs/node-mixin"
            for name in ("alerts", "rules"):
                # Its defaults, as its documentation makes the files.
                text = run(str(folder / "jsonnet"), "-S", f"{mixin}/{name}.jsonnet")
                (peer.rules / f"{name}.yml").write_text(text)
        except (subprocess.CalledProcessError, OSError) as reason:
            say(f"node_exporter could not be built ({reason}): the table will not say what it notices")
            return None
        return peer


class Observer:
    """A Prometheus with those rules; ``first`` is when each alert was first seen firing, by machine."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        folder.mkdir()
        self.targets = folder / "targets"
        self.targets.mkdir()
        self.first: dict[tuple[str, str], float] = {}
        self._url = f"http://127.0.0.1:{free_port()}"
        configuration = folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(rules=peer.rules, targets=self.targets))
        command = [
            find("prometheus"),
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        self.server = Server("node-prometheus", command, ready=f"{self._url}/-/ready", log=folder / "log")

    def add(self, name: str, port: int) -> None:
        """Scrape a machine's node_exporter from now on, under the machine's name."""
        target = [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}}]
        (self.targets / f"{name}.yml").write_text(json.dumps(target))

    def scraped(self) -> set[str]:
        """Return the machines whose node_exporter answers."""
        with urllib.request.urlopen(
            f"{self._url}/api/v1/query?query=up%7Bjob%3D%22node%22%7D==1", timeout=20
        ) as answer:
            return {row["metric"]["instance"] for row in json.load(answer)["data"]["result"]}

    def look(self, now: float) -> list[tuple[str, str]]:
        """Note what fires, and return what is new: machine and alert."""
        with urllib.request.urlopen(f"{self._url}/api/v1/alerts", timeout=20) as answer:
            alerts: list[dict[str, Any]] = json.load(answer)["data"]["alerts"]
        firing = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        new = [key for one in firing if (key := (one.get("instance", ""), one["alertname"])) not in self.first]
        for key in new:
            self.first[key] = now
        return new
