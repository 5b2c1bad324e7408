"""The dependencies page: ``python -m tests.tools.dependencies`` generates docs/dependencies.md.

Packages and versions come from requirements.lock, licences from the installed packages.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dependencies.md"

REASONS = {
    "bcrypt": "checks the passwords of the web configuration",
    "cheroot": "the production HTTP server: a thread pool in one process on all systems, with TLS",
    "click": "commands and flags, with environment variables for the flags",
    "flask": "routes, templates, request parsing",
    "flit-core": "builds the package and is locked so that the build is pinned by hash too; not part of the program",
    "prometheus-client": "metric families, both exposition formats, content negotiation",
    "psutil": "CPU, memory, boot time and disk counters; on macOS and Windows, everything",
    "pyyaml": "reads the web configuration",
    "rich": "the terminal view",
}
"""Why each direct dependency is needed; all others are required by these."""

ACCEPTED = {"Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "MIT"}
"""Licences that allow redistributing the program under any terms. Adding another one is a deliberate decision."""

IMAGES = {
    "python": "the base of the exporter's and the example's images",
    "prom/prometheus": "scrapes, stores the history, evaluates the rules; 3.13 has long-term support until July 2027",
    "prom/alertmanager": "routes the alerts and sends the emails",
    "grafana/grafana": "draws the dashboards; the latest version whose types npm has, which the tests validate against",
    "axllent/mailpit": "the inbox until you name a mail server",
    "victoriametrics/victoria-metrics": "stores years of history; up to 1.148.0 a GET request could delete series",
}
"""What each third-party image is for, and why this version, if that matters."""
NAMING = ("docker-compose.yml", "docker-compose.fleet.yml", "Dockerfile", "examples/digits/Dockerfile")
"""The files that decide which images run."""

INTRO = """\
# Dependencies

The packages that the program uses. `make docs` generates this page from `requirements.lock` and the packages
themselves. A test fails if a package is missing here or its licence has changed. "BSD" means that the package does not
say which BSD licence it has.

| package | accepted | locked | licence | why |
|---|---|---|---|---|
"""
OUTRO = """
`requirements.lock` pins each file by its hash. `make audit` checks these versions, and those that the tests and the
example use, for known vulnerabilities. It needs an Internet connection, because it queries PyPI's data, and fails if a
package cannot be looked up.

## Images

| image | version | why |
|---|---|---|
{images}
The Compose files and the Dockerfiles name each image by its full version, never `latest`, and a test fails if two
places disagree. They name no digests, because a digest changes whenever an image is rebuilt and can differ between a
registry and its mirrors. A tag can be moved and a digest cannot. If that matters to you, pin what your registry has now
(Docker Compose 2.37 or later):

```sh
docker compose config --lock-image-digests prometheus alertmanager grafana mailpit > docker-compose.digests.yml
```

Then put `COMPOSE_FILE=docker-compose.yml:docker-compose.digests.yml` into `.env`. Naming the services leaves out the
exporter, which you build yourself: no registry has its digest. Run the command again after each update of Host
Exporter; until then the old versions stay in use.

Each health check runs a program of its image: `promtool` (Prometheus), `amtool` (Alertmanager), `wget` (Grafana,
VictoriaMetrics) or `/mailpit`. None needs a shell, but a variant of an image must contain its program:
VictoriaMetrics' `-scratch` images have no `wget`.

## Licences

Host Exporter is released under the [Apache License 2.0](../LICENSE). Installed with pip, and in the container image,
each package keeps its licence in its `.dist-info` folder. `make binary` collects these texts into `dist/LICENSES.txt`
and into the program itself, where `host-exporter --licenses` prints them; a package without a licence text fails the
build. Notices of shared libraries such as OpenSSL come from Debian's or Ubuntu's packages. On other systems the file
lists libraries that are not part of Python by name only. Code compiled into a package's wheel, such as libyaml in
PyYAML or the Rust crates in bcrypt, is covered by what the wheel ships. GNU readline is left out, because its GPL
would cover the whole program.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A locked package; ``via`` are the packages that require it."""

    name: str
    version: str
    via: tuple[str, ...]


def locked() -> list[Package]:
    """Return the packages of requirements.lock, by name."""
    found = []
    for block in re.split(r"\n(?=[a-z])", (ROOT / "requirements.lock").read_text(encoding="utf-8")):
        head = re.match(r"([a-z0-9._-]+)==([^ ;\\]+)", block)
        if head:
            via = re.findall(r"^    #(?:   | via) *([a-z0-9-]+)", block, re.MULTILINE)
            found.append(Package(head[1], head[2], tuple(via)))
    return found


def licence(name: str) -> str:
    """Return a package's licence from its metadata: an SPDX expression, a short text or a classifier."""
    known = metadata(name)
    text = next(iter(known.get_all("License-Expression") or known.get_all("License") or []), "")
    if not text or "\n" in text:
        classifiers = [each for each in known.get_all("Classifier") or [] if each.startswith("License :: OSI")]
        text = " AND ".join(each.rpartition(" :: ")[2].removesuffix(" License") for each in classifiers)
    return text


def images() -> dict[str, set[str]]:
    """Return the images of others that the stack is made of, with every version in which one is named."""
    found: dict[str, set[str]] = {}
    for file in NAMING:
        text = (ROOT / file).read_text(encoding="utf-8")
        for name, version in re.findall(r"^(?: +image:|FROM) +([^\s:]+):(\S+)", text, re.MULTILINE):
            if not name.startswith("host-exporter"):
                found.setdefault(name, set()).add(version)
    return {name: found[name] for name in sorted(found, key=list(IMAGES).index)}


def page() -> str:
    """Return docs/dependencies.md."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["build"]
    bounds = {re.split("[<>=]", each)[0].replace("_", "-"): re.sub("^[A-Za-z0-9_.-]+", "", each) for each in asked}
    rows = []
    for package in locked():
        why = REASONS.get(package.name) or f"required by {', '.join(package.via)}"
        bound = f"`{bounds[package.name]}`" if package.name in bounds else ""
        rows.append(f"| `{package.name}` | {bound} | {package.version} | {licence(package.name)} | {why} |\n")
    pinned = "".join(
        f"| `{name}` | {', '.join(sorted(versions))} | {IMAGES[name]} |\n" for name, versions in images().items()
    )
    return "".join([INTRO, *rows, OUTRO.replace("{images}", pinned)])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE} is rewritten")
