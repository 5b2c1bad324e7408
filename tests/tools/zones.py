"""Writes the list of time zones that the check of .env knows, from the tzdata package of the lock file."""

from __future__ import annotations

from importlib import resources

from tests.tools.doctor.kinds import ZONES


def zones() -> str:
    """Return the names of all zones, one a line."""
    return (resources.files("tzdata") / "zones").read_text(encoding="utf-8")


if __name__ == "__main__":
    ZONES.write_text(zones(), encoding="utf-8")
