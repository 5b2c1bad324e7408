"""The check of .env in the exporter's image; and, after all other tests, that the documented removal leaves nothing."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.compose.conftest import MORE, SERVICES, Stack, shell_blocks
from tests.fleet.pair import shipped
from tests.tools.stack.shipped import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(600)
CHECK = "docker compose run --rm check"


def checked(stack: Stack) -> tuple[int, list[str]]:
    done = stack.engine.run(["bash", "-euc", CHECK], folder=stack.folder, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def dotenv(stack: Stack) -> Iterator[str]:
    """What .env holds; it is put back afterwards."""
    path = stack.folder / ".env"
    before = path.read_text()
    yield before
    path.write_text(before)
    os.chown(path, 0, 0)
    path.chmod(0o644)


def test_the_check_sees_the_stack_that_runs_and_finds_nothing_wrong(stack: Stack) -> None:
    code, lines = checked(stack)
    assert (code, lines[-1]) == (0, f"all well, {len(SERVICES)} warnings"), lines
    for service in SERVICES:
        name = f"{service.upper()}_PORT={stack.ports[service]}"
        assert f"warning: {name} is in use: right if this stack is already running, else choose another port" in lines


def test_outside_it_knows_that_the_stack_is_this_folders(stack: Stack) -> None:
    command = [sys.executable, "-m", "tests.tools.doctor"]
    lines = stack.engine.run(command, folder=stack.folder, check=False).stdout.splitlines()
    for service in SERVICES:
        name = f"{service.upper()}_PORT={stack.ports[service]}"
        assert f"warning: {name} is in use: this stack is already running" in lines, lines


def test_the_check_reads_what_only_its_owner_may_read_and_shows_no_password(stack: Stack, dotenv: str) -> None:
    path = stack.folder / ".env"
    wrong = "SMTP_PORT=abc\nTZ=Mars\nSMPT_HOST=x\nRETENTION_TIME=90 days\nGRAFANA_ADMIN_PASSWORD=a$hush\n"
    path.write_text(f"{dotenv}{wrong}")
    os.chown(path, 1234, 1234)
    path.chmod(0o600)
    code, lines = checked(stack)
    assert code == 1
    for start in ("SMTP_PORT=abc: give", "TZ=Mars: give", "RETENTION_TIME=90 days: give", ".env, line"):
        assert [line for line in lines if line.startswith(f"wrong: {start}")], (start, lines)
    assert "did you mean SMTP_HOST?" in "\n".join(lines)
    assert "hush" not in "\n".join(lines)


def test_the_check_can_do_nothing_but_read_this_folder(stack: Stack) -> None:
    """Its one capability reads files of others; it must not see any but ours."""
    name = stack.engine.docker("compose", "run", "--detach", "check", folder=stack.folder).stdout.split()[-1]
    (found,) = json.loads(stack.engine.docker("inspect", name).stdout)
    stack.engine.docker("rm", "--force", name)
    host = found["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert [capability.removeprefix("CAP_") for capability in host["CapAdd"]] == ["DAC_OVERRIDE"]
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert [(mount["Source"], mount["Destination"], mount["RW"]) for mount in found["Mounts"]] == [
        (str(stack.folder), "/stack", False)
    ]


def test_the_documented_removal_leaves_nothing(stack: Stack) -> None:
    """Of the stack, of a second server, of the example, and of a check that was not removed."""
    both = "docker compose -f docker-compose.yml -f docker-compose.fleet.yml -f docker-compose.override.yml"
    image = shipped({}).document["services"]["exporter"]["image"]
    for step in (
        f"{both} up --no-start",
        "docker volume create host-exporter_digits",
        "docker volume create host-exporter_grafana",
        f"docker tag {image} host-exporter-digits:0.1.0",
        "docker compose run check || true",
    ):
        stack.engine.run(["bash", "-euc", step], folder=stack.folder)
    before = listed(stack)
    assert all(before.values())
    assert {f"host-exporter_{name}" for name in ("prometheus", "digits", *MORE)} <= set(before["volume"])
    (remove, look) = (block for block in shell_blocks() if "--rmi all" in block or "docker images" in block)
    assert remove.count("\n") == 1
    stack.engine.run(["bash", "-euc", remove], folder=stack.folder)
    assert listed(stack) == {"container": [], "volume": [], "network": [], "image": []}
    shown = stack.engine.run(["bash", "-euc", look], folder=stack.folder).stdout.splitlines()
    assert len(shown) == 4, shown


def listed(stack: Stack) -> dict[str, list[str]]:
    """Return what Docker has of ours, by kind, images by the names in the Compose files."""

    def names(*command: str) -> list[str]:
        return stack.engine.docker(*command).stdout.split()

    images = {service.get("image") for service in shipped({}).document["services"].values()}
    images |= set(re.findall(r"image: (\S+)", (ROOT / "docker-compose.fleet.yml").read_text()))
    return {
        "container": names("ps", "--all", "--format", "{{.Names}}"),
        "volume": names("volume", "ls", "--quiet"),
        "network": sorted(set(names("network", "ls", "--format", "{{.Name}}")) - {"bridge", "host", "none"}),
        "image": sorted(images & set(names("images", "--format", "{{.Repository}}:{{.Tag}}"))),
    }
