"""The container's image: what it copies exists and is not held back by .dockerignore."""

from __future__ import annotations

import re

from tests.digits.support import EXAMPLE

DOCKERFILE = (EXAMPLE / "Dockerfile").read_text()


def test_what_is_copied_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (\S+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied == ["requirements.lock", "gunicorn.conf.py", "digits"]
    ignored = (EXAMPLE / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for name in copied:
        assert (EXAMPLE / name).exists()
        assert f"!{name}" in ignored


def test_it_is_built_on_the_same_python_as_the_exporter() -> None:
    exporter = (EXAMPLE.parents[1] / "Dockerfile").read_text()
    assert DOCKERFILE.split()[:2] == exporter.split()[:2]


def test_it_is_started_as_the_readme_says() -> None:
    command = re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert command
    words = re.findall(r'"([^"]+)"', command[1])
    assert " ".join(words[3:7]) == "--workers 1 --threads 8"
    assert words[-1] == "digits:create_app()"
    assert "gunicorn --workers 1 --threads 8 'digits:create_app()'" in (EXAMPLE / "README.md").read_text()
