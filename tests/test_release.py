"""What is passed on says whose it is, under which licence, and in which version."""

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

from exporter import __version__

ROOT = Path(__file__).parent.parent
PUBLISHED = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the Apache License 2.0 as its authors publish it, appendix included."""


def test_the_licence_is_the_published_text() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == PUBLISHED


def test_what_goes_into_the_image_is_enough_to_build_a_package_with_its_licence(tmp_path: Path) -> None:
    """A file that .dockerignore holds back and the backend needs is missed here, without Docker."""
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
    """Held against the package: a label that was forgotten at a new version is seen here."""
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
