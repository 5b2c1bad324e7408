"""The pair's configuration: Prometheus accepts it, and it also works with a store other than VictoriaMetrics."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.fleet.asking import make_pair
from tests.fleet.pair import shipped
from tests.support import eventually
from tests.support_servers import program
from tests.tools.ports import free_port
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ONE = ["prometheus-b", "alertmanager-b", "victoriametrics"]


@pytest.mark.parametrize("variables", [{}, {"HA_CLUSTER": "home", "SHARD": "east"}])
def test_promtool_has_nothing_to_say_about_the_configuration(tmp_path: Path, variables: dict[str, str]) -> None:
    text = shipped(variables).config("fleet").replace("/etc/prometheus/", f"{tmp_path}/")
    (tmp_path / "fleet.yml").write_text(text, encoding="utf-8")
    (tmp_path / "alerts.yml").write_bytes((ROOT / "alerts.yml").read_bytes())
    command = [program("promtool"), "check", "config", "--lint=all", "--lint-fatal", str(tmp_path / "fleet.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variables", "labels"),
    [({}, {}), ({"HA_CLUSTER": "home", "SHARD": "east"}, {"cluster": "home", "__replica__": "a", "shard": "east"})],
)
def test_another_store_tells_pairs_and_shards_by_their_labels(
    tmp_path: Path, variables: dict[str, str], labels: dict[str, str]
) -> None:
    """A receiving Prometheus stores samples as they were sent."""
    port = free_port()
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "prometheus.yml").write_text("{}")
    store = Server(
        "store",
        [
            program("prometheus"),
            "--web.enable-remote-write-receiver",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        ready=f"http://127.0.0.1:{port}/-/ready",
        log=folder / "log",
    )
    variables = {**variables, "REMOTE_WRITE_URL": f"http://127.0.0.1:{port}/api/v1/write"}
    with make_pair(tmp_path / "pair", ONE, variables) as pair:
        pair.ports["store"] = port
        store.start()
        try:
            store.wait()
            (machine,) = eventually(lambda: pair.ask("store", "query", query="host_uptime_seconds")["result"], 60)
            (watchdog,) = eventually(
                lambda: pair.ask("store", "query", query='ALERTS{alertname="Watchdog"}')["result"], 60
            )
        finally:
            store.stop()
        mine = {"__name__": "host_uptime_seconds", "instance": pair.address("exporter"), "job": "host"}
        assert machine["metric"] == mine | labels
        assert labels.items() <= watchdog["metric"].items()
        told = pair.ask("prometheus", "query", query="host_uptime_seconds")["result"]
        assert told[0]["metric"] == mine, "its own series get no extra label"
