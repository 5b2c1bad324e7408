"""The files beside .env: targets, the web configuration, the Compose files. And Compose itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.address import host_in
from tests.tools.doctor.report import Finding, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FLEET_FILE = "docker-compose.fleet.yml"
OLDEST = (2, 23, 1)
OLDEST_FLEET = (2, 24, 4)
"""The oldest versions of Docker Compose that read our files; the files themselves say why."""

_SHAPE = 'a list of groups such as - targets: ["nas.example.org:5000"]'


def targets(folder: Path) -> Iterator[Finding]:
    """Yield what Prometheus would refuse in the files that it reads while it runs."""
    files = sorted([*folder.glob("targets/*.yml"), *folder.glob("targets/apps/*.yml")])
    if not files:
        return
    try:
        import yaml  # only here, because a Python without it can check everything else
    except ImportError:
        yield Finding("targets/ is not checked: this Python has no YAML; after make run it does", wrong=False)
        return
    for file in files:
        name = file.relative_to(folder)
        try:
            found = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as reason:
            yield Finding(f"{name}: {reason.strerror}")
        except (yaml.YAMLError, UnicodeDecodeError) as reason:
            mark = getattr(reason, "problem_mark", None)
            line = f", line {mark.line + 1}" if mark else ""
            yield Finding(f"{name}{line}: not YAML: {getattr(reason, 'problem', None) or reason}")
        else:
            yield from (Finding(f"{name}: {text}") for text in _groups(found))


def _groups(found: Any) -> Iterator[str]:
    """Yield what is wrong with the groups of one file."""
    if found is None:
        return
    if not isinstance(found, list) or not all(isinstance(group, dict) for group in found):
        yield f"give {_SHAPE}"
        return
    for group in found:
        if odd := sorted(set(map(str, group)) - {"targets", "labels"}):
            yield f"{shown(odd[0])}: a group has targets and labels only"
        listed, labels = group.get("targets"), group.get("labels")
        if not isinstance(listed, list) or not all(isinstance(target, str) for target in listed):
            yield f"give {_SHAPE}"
            continue
        if labels is not None and not isinstance(labels, dict):
            yield "labels: give names and values, such as {site: home}"
        for target in listed:
            if not host_in(target) or not re.search(r":[0-9]+$", target):
                yield f"{shown(target)}: give a name or an address with its port, without http:// and without a path"


def web_config(given: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a web configuration that is not there."""
    path = given.get("WEB_CONFIG", "")
    if path.startswith("/host/") and not Path(path.removeprefix("/host")).is_file():
        yield Finding(f"WEB_CONFIG={shown(path)}: there is no such file; /host is this machine's /")


def compose(*, fleet: bool) -> Iterator[Finding]:
    """Yield a Docker Compose that is missing or too old."""
    docker = shutil.which("docker")
    said = ""
    if docker:
        done = subprocess.run([docker, "compose", "version"], capture_output=True, text=True, timeout=30, check=False)
        said = done.stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    oldest = OLDEST_FLEET if fleet else OLDEST
    dotted = ".".join(map(str, oldest))
    if not found:
        what = "no Docker Compose plugin" if docker else "no Docker"
        yield Finding(f"{what} here: docker compose needs {dotted} or later", wrong=False)
    elif tuple(map(int, found.groups())) < oldest:
        yield Finding(f"Docker Compose is version {found[0]}: {dotted} or later is needed")
