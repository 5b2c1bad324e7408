"""Checks .env and what belongs to it; prints one line for each fault. Exit code 1 if anything is wrong.

make doctor                    everything
docker compose run --rm check  the same from the exporter's image, which sees neither Docker nor the owner's environment
make stack, make run           what they need, before anything is downloaded; silent if all is well
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tools.doctor import dotenv, files, kinds, names, ports
from tests.tools.doctor.report import Finding, shown
from tests.tools.doctor.together import together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.tools.doctor.dotenv import Dotenv

ROOT = Path(__file__).parents[3]
USAGE = "usage: python3 -m tests.tools.doctor [compose | stack | run ADDRESS PORT]"


def main(arguments: list[str], environment: Mapping[str, str], folder: Path) -> int:
    """Check, and print what was found. Returns the exit code: 1 if anything is wrong."""
    match arguments:
        case [] | ["compose"]:
            return tell(list(everything(folder, environment, inside=bool(arguments))), quiet=False)
        case ["stack"]:
            return tell(list(for_stack(folder, environment)), quiet=True)
        case ["run", address, port]:
            return tell(list(for_run(address, port)), quiet=True)
    print(USAGE, file=sys.stderr)
    return 2


def tell(findings: list[Finding], *, quiet: bool) -> int:
    """Print what was found, the faults first. Returns the exit code."""
    findings = sorted(dict.fromkeys(findings), key=lambda finding: not finding.wrong)
    wrong = sum(finding.wrong for finding in findings)
    for finding in findings:
        print(finding)
    if not quiet or wrong:
        warned = len(findings) - wrong
        also = f", {warned} warning{'s' * (warned != 1)}" if warned else ""
        print(f"{wrong} wrong{also}" if wrong else f"all well{also}", flush=True)
    return 1 if wrong else 0


def everything(folder: Path, environment: Mapping[str, str], *, inside: bool) -> Iterator[Finding]:
    """Yield all that is wrong with the stack in Docker. ``inside`` a container, less can be seen."""
    env = dotenv.read(folder / ".env", environment)
    yield from settings(env, folder)
    fleet = files.FLEET_FILE in re.split("[:;]", env.values.get("COMPOSE_FILE", ""))
    example = "digits" in env.values.get("COMPOSE_PROFILES", "").split(",")
    wanted = ports.used(env.values, fleet=fleet, example=example)
    if not kinds.address(env.values.get("BIND_ADDRESS") or "127.0.0.1"):
        running = ports.inside(env.values) if inside else ports.outside(folder)
        yield from ports.ports(env.values, wanted.items(), in_dotenv, running=running)
    if not inside:
        yield from files.web_config(env.values)
        yield from files.compose(fleet=fleet)


def settings(env: Dotenv, folder: Path) -> Iterator[Finding]:
    """Yield what is wrong with .env and targets/, however the stack is run."""
    yield from env.findings
    yield from names.unknown(env.lines, folder)
    yield from names.values(env.values)
    yield from together(env.values)
    yield from files.targets(folder)


def for_stack(folder: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what would keep ``make stack`` from running, and what is wrong with .env."""
    env = dotenv.read(folder / ".env", environment)
    yield from settings(env, folder)
    started = ["EXPORTER_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT"]
    started += ["GRAFANA_PORT"] if shutil.which("grafana") else []
    wanted = [(name, port) for name, port in ports.used(env.values).items() if name in started]
    # It listens on loopback, whatever BIND_ADDRESS says.
    yield from ports.ports({**env.values, "BIND_ADDRESS": ""}, wanted, in_dotenv, docker=False)


def for_run(address: str, port: str) -> Iterator[Finding]:
    """Yield what would keep ``make run`` from listening. Other addresses are the exporter's to refuse."""
    if accepted := kinds.port(port):
        yield Finding(f"PORT={shown(port)}: give {accepted}")
    elif not kinds.address(address):
        wanted = [("PORT", int(port))]
        yield from ports.ports(
            {"BIND_ADDRESS": address}, wanted, lambda _, other: f"make run PORT={other}", docker=False
        )


def in_dotenv(name: str, port: int) -> str:
    """Return how to choose another port in .env."""
    return f"set {name}={port} in .env"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, ROOT))
