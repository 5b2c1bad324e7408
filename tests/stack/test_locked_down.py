"""What each container may do and what its settings show, in both Compose files together."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.fleet.pair import FILES
from tests.support_servers import program
from tests.tools.stack.shipped import ROOT

SERVICES = ("exporter", "prometheus", "prometheus-b", "alertmanager", "alertmanager-b", "victoriametrics", "grafana",
            "mailpit", "digits", "check")  # fmt: skip
ADDRESS = "https://me:the-password@example.org/"
SECRETS = {"SMTP_PASSWORD": "the-password", "REMOTE_WRITE_URL": ADDRESS, "HEARTBEAT_URL": ADDRESS}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    command = [program("docker-compose"), *(f"--file={ROOT / name}" for name in FILES)]
    done = subprocess.run(
        [*command, "--env-file=/dev/null", "--profile=*", "config", "--format=json"],
        env={"PATH": "", **SECRETS}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    assert found.keys() == set(SERVICES)
    return found


def user(dockerfile: str) -> str:
    (found,) = re.findall(r"^USER (\S+)$", (ROOT / dockerfile).read_text(encoding="utf-8"), re.MULTILINE)
    return str(found)


def test_the_exporter_has_a_user_that_nothing_else_has(services: dict[str, Any]) -> None:
    """Whoever shares it with a process reads that process' environment, memory and files."""
    users = {name: services[name].get("user") for name in SERVICES if name != "digits"}
    users["digits"] = user("examples/digits/Dockerfile")
    ours = users.pop("exporter")
    assert ours == user("Dockerfile")
    uid, gid = (int(number) for number in ours.split(":"))
    assert not {uid, gid} & {int(number) for each in users.values() for number in each.split(":")}
    # No account, subordinate ID or DynamicUser of a machine is in this range; a user namespace of 65,536 IDs has it.
    assert all(60706 <= number <= 61183 for number in (uid, gid))


def test_the_volumes_of_existing_installations_keep_their_owner(services: dict[str, Any]) -> None:
    for name in ("prometheus", "prometheus-b", "alertmanager", "alertmanager-b", "victoriametrics", "mailpit"):
        assert services[name]["user"] == "65534:65534", name
    assert services["grafana"]["user"] == "472:0"
    assert user("examples/digits/Dockerfile") == "65534:65534"


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_has_its_limits(services: dict[str, Any], name: str) -> None:
    assert int(services[name]["mem_limit"]) >= 512 << 20
    assert services[name]["pids_limit"] == 1000
    # Compose writes files into these containers, which a read-only root does not allow.
    written = bool(services[name].get("configs"))
    assert services[name].get("read_only", False) is not written
    assert written is name.startswith(("alertmanager", "prometheus"))
    assert services[name]["cap_drop"] == ["ALL"]
    assert services[name].get("cap_add") == (["DAC_OVERRIDE"] if name == "check" else None)
    assert services[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_is_created_with_a_secret_in_its_settings(services: dict[str, Any], name: str) -> None:
    """Compose passes all of them to the engine, and "docker inspect" shows them, except what is under "deploy"."""
    settings = {key: value for key, value in services[name].items() if key != "deploy"}
    assert "the-password" not in json.dumps(settings)
    assert set(services[name].get("deploy", {})) <= {"labels", "placement", "resources"}


@pytest.mark.parametrize(
    ("secret", "names"),
    [("SMTP_PASSWORD", ("alertmanager", "alertmanager-b")), ("REMOTE_WRITE_URL", ("prometheus", "prometheus-b"))],
)
def test_a_change_of_a_secret_recreates_its_containers(
    services: dict[str, Any], secret: str, names: tuple[str, ...]
) -> None:
    for name in names:
        assert services[name]["deploy"]["labels"][secret] == SECRETS[secret]
