"""More than one server, in real containers: up, and back to one, with the commands of docs/scaling.md."""

from __future__ import annotations

import json
import re
import shlex
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from tests.compose.conftest import MORE, Stack
from tests.support import eventually, fetch
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)
PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def fleet(stack: Stack) -> Iterator[Stack]:
    dotenv = stack.folder / ".env"
    before = dotenv.read_text()
    (line,) = re.findall(r"^COMPOSE_FILE=.+$", PAGE, re.MULTILINE)
    # With COMPOSE_FILE set, Compose no longer finds the override that leaves out Grafana.
    dotenv.write_text(f"{before}{line}:docker-compose.override.yml\n")
    try:
        stack.compose("up", "-d", "--wait")
        yield stack
    finally:
        dotenv.write_text(before)
        stack.compose("up", "-d", "--wait", "--remove-orphans")
    assert not any(stack.compose("ps", "--all", "--quiet", service, check=False) for service in MORE)
    eventually(lambda: stack.query('up{job="host"}'), 60)


def asked(stack: Stack, service: str, expression: str) -> list[dict[str, Any]]:
    url = f"{stack.url(service)}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    found: list[dict[str, Any]] = json.loads(fetch(url).text)["data"]["result"]
    return found


@pytest.mark.parametrize("server", ["prometheus", "prometheus-b"])
def test_both_scrape_the_same_and_both_see_all_servers(fleet: Stack, server: str) -> None:
    expected = {
        ("host", "exporter:5000"), ("victoriametrics", "victoriametrics:8428"),
        ("prometheus", "prometheus:9090"), ("prometheus", "prometheus-b:9090"),
        ("alertmanager", "alertmanager:9093"), ("alertmanager", "alertmanager-b:9093"),
    }  # fmt: skip
    eventually(
        lambda: {(up["metric"]["job"], up["metric"]["instance"]) for up in asked(fleet, server, "up == 1")} >= expected,
        90,
        f"not all is scraped: {asked(fleet, server, 'up')}",
    )


def test_the_alertmanagers_are_one_cluster(fleet: Stack) -> None:
    for server in ("alertmanager", "alertmanager-b"):
        eventually(lambda server=server: members(fleet, server) == 2, 60, "they do not know each other")  # type: ignore[misc]


def members(stack: Stack, server: str) -> int:
    return len(json.loads(fetch(f"{stack.url(server)}/api/v2/status").text)["cluster"]["peers"])


def test_the_store_has_one_series_where_two_send_it(fleet: Stack) -> None:
    (series,) = eventually(lambda: asked(fleet, "victoriametrics", 'host_uptime_seconds{job="host"}'), 90)
    assert "__replica__" not in series["metric"]


@pytest.mark.parametrize("service", MORE)
def test_every_further_container_is_locked_down(fleet: Stack, service: str) -> None:
    found = fleet.inspect(service)
    assert found["Config"]["User"] == "65534:65534"
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in found["HostConfig"]["SecurityOpt"]
    assert found["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert all(
        binding["HostIp"] == "127.0.0.1" for port in found["HostConfig"]["PortBindings"].values() for binding in port
    )


def test_an_update_leaves_one_of_each_running_and_all_of_them_new(fleet: Stack) -> None:
    """With the commands of the page."""
    (found,) = re.findall(r"^```sh\n(docker compose build\n.+?)```", PAGE, re.MULTILINE | re.DOTALL)
    pairs = [("prometheus", "prometheus-b"), ("alertmanager", "alertmanager-b")]
    before = {name: fleet.container(name) for pair in pairs for name in pair}
    commands = [shlex.split(line) for line in found.splitlines()]
    assert len(commands) == 5
    for command in commands:
        fleet.engine.run(command, folder=fleet.folder)
        if command[-2:] == ["prometheus", "alertmanager"]:
            now = {name: fleet.container(name) for name in before}
            assert {name for name in now if now[name] != before[name]} == {"prometheus", "alertmanager"}
    assert all(fleet.container(name) != before[name] for name in before)
    for server in pairs[0]:
        eventually(lambda server=server: asked(fleet, server, 'up{job="host"} == 1'), 60)  # type: ignore[misc]


def test_the_documented_removal_leaves_no_volume_of_the_fleet(stack: Stack) -> None:
    """In a project with another name, whose .env no longer lists the second file."""
    (command,) = re.findall(r"^docker compose -f .+ down .+$", OPERATIONS, re.MULTILINE)
    assert command.endswith(" --rmi all")  # test_the_end.py does it all
    command = command.removesuffix(" --rmi all")  # the other tests need the images
    make = (
        "docker compose -f docker-compose.yml -f docker-compose.fleet.yml -f docker-compose.override.yml up --no-start"
    )
    volumes = ["docker", "volume", "ls", "--quiet", "--filter", "name=leftover_"]
    for step in (make, "docker volume create leftover_digits"):
        stack.engine.run(["bash", "-euc", f"COMPOSE_PROJECT_NAME=leftover {step}"], folder=stack.folder)
    before = stack.engine.run(volumes).stdout.split()
    assert set(before) == {
        f"leftover_{name}" for name in ("prometheus", "alertmanager", "mailpit", "digits", *MORE)
    }  # fmt: skip
    stack.engine.run(["bash", "-euc", f"COMPOSE_PROJECT_NAME=leftover {command}"], folder=stack.folder)
    assert stack.engine.run(volumes).stdout == ""
