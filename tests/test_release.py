"""Everything that is distributed names its authors, licence and version."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

import yaml

from exporter import __version__
from tests.support import run
from tests.tools.dependencies import IMAGES, NAMING, images

ROOT = Path(__file__).parent.parent
PUBLISHED = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the Apache License 2.0 as published, including the appendix."""


def test_the_licence_is_the_published_text() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == PUBLISHED


def test_what_goes_into_the_image_is_enough_to_build_a_package_with_its_licence(tmp_path: Path) -> None:
    """Fails, without Docker, if .dockerignore excludes a file that the build backend needs."""
    context = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    for name in context:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    build = f"from flit_core.buildapi import build_wheel; build_wheel({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        folder = f"host_exporter-{__version__}.dist-info"
        metadata = BytesParser().parsebytes(files.read(f"{folder}/METADATA"))
        assert files.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Author"] == "The Host Exporter authors"
    assert "prometheus" in metadata["Keywords"].split(",")


def test_the_images_say_what_they_are() -> None:
    """Compared with the package, so that no label is forgotten in a new version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shared = {"version": __version__, "licenses": project["license"], "authors": project["authors"][0]["name"]}
    ours = labels(ROOT / "Dockerfile")
    assert ours == {**shared, "title": "Host Exporter", "description": project["description"]}
    example = labels(ROOT / "examples/digits/Dockerfile")
    assert {name: example[name] for name in shared} == shared
    assert ours.keys() == example.keys()


def labels(dockerfile: Path) -> dict[str, str]:
    """Return an image's labels, without "org.opencontainers.image."."""
    return dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]+)"', dockerfile.read_text(encoding="utf-8")))


def test_each_image_is_named_by_one_full_version() -> None:
    assert images().keys() == IMAGES.keys()
    for name, versions in images().items():
        (version,) = versions
        assert re.fullmatch(r"v?\d+\.\d+\.\d+(-slim)?", version), f"{name}:{version}"


def test_all_that_name_an_image_name_the_same_version() -> None:
    """Including documentation and tests: their commands would otherwise pull another image, or find none."""
    wanted = {name: versions.copy().pop() for name, versions in images().items()}
    wanted |= {"host-exporter": __version__, "host-exporter-digits": __version__}
    tagged = re.compile(rf"(?<![\w/-])({'|'.join(map(re.escape, wanted))}):(v?\d[\w.-]*\w)")
    places = [*NAMING, "*.md", "docs/*.md", "packaging/**/*.md", "examples/**/*.md", "tests/**/*.py", "tests/**/*.sh"]
    named = {
        (path.relative_to(ROOT).as_posix(), *match)
        for place in places
        for path in ROOT.glob(place)
        for match in tagged.findall(path.read_text(encoding="utf-8"))
    }
    assert {name for _, name, _ in named} == wanted.keys()
    assert [each for each in sorted(named) if each[2] != wanted[each[1]]] == []


def test_the_command_that_pins_digests_names_every_image_that_a_registry_has() -> None:
    """Compose also resolves the services that these depend on, and fails at the first one that is built locally."""
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"^docker compose config --lock-image-digests (.+) >", page, re.MULTILINE)
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert set(named.split()) == {name for name, service in services.items() if "build" not in service}
    assert [name for name in named.split() if "depends_on" in services[name]] == []


def test_an_installed_program_says_where_the_licences_are() -> None:
    shown = run("--licenses")
    assert (shown.returncode, shown.stderr) == (0, "")
    folder = re.fullmatch(r"Apache License 2\.0\. .+ in (.+)\.\n", shown.stdout)
    assert folder
    assert list(Path(folder[1]).glob("[Ff]lask-*.dist-info/licenses/LICENSE*"))
