"""The contents of docker-compose.yml, with the variables from .env substituted as Compose does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.tools.stack.variables import interpolate, read_env

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Shipped:
    """docker-compose.yml under a set of variables."""

    document: dict[str, Any]
    variables: Mapping[str, str]

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None, root: Path = ROOT, *, dotenv: bool = True) -> Self:
        """Read the file and the .env next to it; ``variables`` take precedence over .env. Raises ValueError.

        Without ``dotenv``, the .env of whoever owns the folder is ignored.
        """
        document = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
        given = dict(variables or {})
        file = root / ".env"
        read = read_env(file.read_bytes().decode("utf-8-sig"), given) if dotenv and file.exists() else {}
        return cls(document, {**read, **given})

    def config(self, name: str) -> str:
        """Return the text of an inline config."""
        return interpolate(self.document["configs"][name]["content"], self.variables)

    def command(self, service: str) -> list[str]:
        """Return a service's arguments."""
        return [interpolate(text, self.variables) for text in self.document["services"][service]["command"]]

    def environment(self, service: str) -> dict[str, str]:
        """Return a service's environment variables, whether written as a list or as a mapping."""
        given = self.document["services"][service].get("environment", {})
        pairs = [text.partition("=")[::2] for text in given] if isinstance(given, list) else list(given.items())
        return {interpolate(name, self.variables): interpolate(str(value), self.variables) for name, value in pairs}

    def port(self, service: str) -> int:
        """Return the port on which a service is published. Raises ValueError if .env sets an invalid one."""
        published: str = self.document["services"][service]["ports"][0]
        port = interpolate(published, self.variables).split(":")[-2]
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"{service.upper()}_PORT={port}: a port is a number from 1 to 65535")
        return int(port)

    def mounts(self, service: str, place: str) -> dict[Path, str]:
        """Return the bind mounts of a service below ``place``: which of our files and folders it sees, and where."""
        pairs = [text.split(":")[:2] for text in self.document["services"][service]["volumes"]]
        return {ROOT / ours: theirs for ours, theirs in pairs if theirs.startswith(place)}
