"""A failing disk and an old backup in textfiles, as the real chain mails them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.stack.support import make_chain

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

DISK = 'device="sdd",model="Example HDD 2TB",serial="EX-BAD-0006"'
SMART = f"""\
host_disk_smart_healthy{{{DISK}}} 0
host_disk_smart_problem{{{DISK},problem="sectors that cannot be read"}} 24
host_disk_smart_problem{{{DISK},problem="failed its own health check"}} 0
host_disk_reallocated_sectors{{{DISK}}} 3208
host_disk_wear_ratio{{{DISK}}} 0.96
"""


def test_a_failing_disk_is_mailed_at_first_sight_with_what_it_says(tmp_path: Path) -> None:
    folder = tmp_path / "textfile"
    folder.mkdir()
    (folder / "smart.prom").write_text(SMART)
    old = time.time() - 3 * 86400
    (folder / "backup.prom").write_text(f'host_backup_last_success_timestamp_seconds{{job="home"}} {old:.0f}\n')
    with make_chain(tmp_path / "chain", {"TEXTFILE_DIR": str(folder)}) as chain:
        mail = chain.mailbox.wait("[CRITICAL] web-01: Disk sdd is failing and 1 more", 90)
    text = mail.body()
    assert "disk sdd (Example HDD 2TB, serial number EX-BAD-0006) is failing" in " ".join(text.split())
    assert "sectors that cannot be read: 24\nSectors replaced in its life: 3208\n" in text
    assert "health check" not in text
    assert "Disk sdd 96 % worn (limit 95 %)" in text
    assert "limit 80 %" not in text, "the critical alert inhibits its warning"
