"""What the tables of terminal and window say where something is unknown."""

from __future__ import annotations

from exporter.collectors.textfile import Textfiles
from exporter.render.tables.health import disk_health
from exporter.sources.textfile_content import SmartDisk

UNKNOWN = Textfiles((), (SmartDisk("sda", "", "", None, None, None, None, None),))


def test_what_smart_does_not_say_of_a_disk_is_a_dash() -> None:
    ((_, texts),) = disk_health(UNKNOWN).rows
    assert texts == ("sda", "\N{EN DASH}", "\N{EN DASH}", "\N{EN DASH}", "\N{EN DASH}")
