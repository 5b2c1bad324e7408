"""A page of another site, open in the owner's browser, reads nothing of the stack's exporter, Prometheus and store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.settings import Settings
from exporter.web.hosts import OwnHosts
from tests.fleet.pair import shipped
from tests.support import fetch
from tests.tools.ports import free_port
from tests.tools.stack.chain import find
from tests.tools.stack.process import Server
from tests.tools.stack.shipped import Shipped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROMETHEUS = "--web.cors.origin="
STORE = "--http.disableCORS"
PAGE = {"Origin": "https://evil.example"}


@pytest.mark.parametrize(
    ("variables", "own"),
    [
        ({}, []),
        ({"PUBLIC_NAME": "monitor.example.org"}, ["monitor.example.org"]),
        ({"ALLOWED_HOST": "nas.example.net,*.example.org"}, ["nas.example.net:5000", "web-01.example.org"]),
        ({"PUBLIC_NAME": "[2001:db8::7]", "ALLOWED_HOST": ""}, []),
    ],
    ids=repr,
)
def test_the_exporter_answers_to_prometheus_and_to_its_public_name(variables: dict[str, str], own: list[str]) -> None:
    environment = Shipped.read(variables, dotenv=False).environment("exporter")
    hosts = OwnHosts(Settings(allowed_host=environment["HOST_EXPORTER_ALLOWED_HOST"]))
    assert "exporter" in environment["HOST_EXPORTER_ALLOWED_HOST"].split(",")
    for name in ("exporter:5000", "localhost:5000", "127.0.0.1:5000", "host.docker.internal:5000", *own):
        assert hosts.refusal(name, None) is None, name
    assert hosts.refusal("evil.example", None)


def test_every_server_is_started_with_the_flag() -> None:
    stack = shipped({})
    for name, flag in (("prometheus", PROMETHEUS), ("prometheus-b", PROMETHEUS), ("victoriametrics", STORE)):
        assert stack.command(name).count(flag) == 1, name


def allowed(name: str, folder: Path, flags: Sequence[str]) -> str | None:
    """Return which origins a server lets read its answers; None for no other than itself."""
    address = f"127.0.0.1:{free_port()}"
    folder.mkdir()
    if name == "prometheus":
        (folder / "prometheus.yml").write_text("global: {}\n")
        own = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        own.append(f"--web.listen-address={address}")
        ready = f"http://{address}/-/ready"
    else:
        own = [f"--storageDataPath={folder}/data", f"--httpListenAddr={address}"]
        ready = f"http://{address}/health"
    server = Server(name, [find(name), *own, *flags], ready=ready, log=folder / "log")
    server.start()
    try:
        server.wait()
        answer = fetch(f"http://{address}/api/v1/query?query=up", PAGE)
    finally:
        server.stop()
    assert answer.status == 200
    return answer.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize(("name", "flag"), [("prometheus", PROMETHEUS), ("victoria-metrics", STORE)])
def test_only_the_flag_keeps_other_sites_out(tmp_path: Path, name: str, flag: str) -> None:
    assert allowed(name, tmp_path / "with", [flag]) is None
    assert allowed(name, tmp_path / "without", []) in {"*", PAGE["Origin"]}
