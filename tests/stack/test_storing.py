"""A Prometheus that runs and stores nothing says so, without a gap and once, and the Watchdog stops with it."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.faults.support import needs_program, needs_root
from tests.stack.support import make_chain, query, subjects
from tests.support import eventually, fetch
from tests.support_servers import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tools.stack.chain import Chain

pytestmark = pytest.mark.timeout(300)

LOOKBACK = 25
"""Seconds that queries look back; 5 minutes as shipped. The alert fires shortly before that, and must stay after it."""
PROMETHEUS = (f"--query.lookback-delta={LOOKBACK}s",)
STORING = "Prometheus stores samples again"
NOT_STORING = "Prometheus stores no samples"


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a filesystem on a folder until the test ends."""
    needs_root("a mount")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room; return the file that has to go."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    return filler


def states(chain: Chain) -> dict[str, str]:
    """Return the alerts in Prometheus' memory and their states. They are not stored, and so current in any case."""
    answer = json.loads(fetch(f"{chain.urls['prometheus']}/api/v1/alerts").text)
    return {alert["labels"]["alertname"]: alert["state"] for alert in answer["data"]["alerts"]}


def not_storing(chain: Chain) -> bool:
    return states(chain).get("PrometheusNotStoring") == "firing"


def beats(chain: Chain) -> bool:
    return "Watchdog" in states(chain)


def test_a_full_disk_is_mailed_once_and_so_is_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "chain/prometheus"
    with (
        mounted(folder, "-t", "tmpfs", "-o", "size=48m", "small"),
        make_chain(tmp_path / "chain", prometheus=PROMETHEUS) as chain,
    ):
        eventually(lambda: beats(chain))
        assert not not_storing(chain), "the start is no failure"
        filler = fill(folder)
        chain.mailbox.wait(NOT_STORING, 90)
        eventually(lambda: not beats(chain), 30)
        out_of_sight = 0
        while out_of_sight < 8:  # half-seconds
            assert not_storing(chain), "there must be no gap when the last sample is out of sight"
            assert not beats(chain)
            out_of_sight += not query(chain, "up")
            time.sleep(0.5)
        assert len(subjects(chain, "stores")) == 1
        filler.unlink()
        chain.mailbox.wait(STORING, 60)
        assert query(chain, "up"), "it is not over before something is stored"
        eventually(lambda: beats(chain))
        mails = subjects(chain, "stores")
    assert [mail.split()[0] for mail in mails] == ["[CRITICAL]", "[RESOLVED]"]


def test_a_disk_that_becomes_read_only_is_mailed_and_so_is_the_end_of_it(tmp_path: Path) -> None:
    needs_root("a mount")
    image = tmp_path / "image"
    image.write_bytes(bytes(48 << 20))
    subprocess.run([needs_program("mkfs.ext4", "e2fsprogs"), "-q", str(image)], check=True)
    folder = tmp_path / "chain/prometheus"
    with make_chain(tmp_path / "chain", prometheus=PROMETHEUS) as chain:
        chain.prometheus.stop()
        with mounted(folder, "-o", "loop,errors=remount-ro", str(image)):
            chain.prometheus.start()
            chain.prometheus.wait()
            eventually(lambda: beats(chain))
            # As the kernel does after an error on the disk.
            subprocess.run(["mount", "-o", "remount,abort", str(folder)], check=True)
            chain.mailbox.wait(NOT_STORING, 90)
            assert not beats(chain)
            chain.prometheus.stop()
        chain.prometheus.start()
        chain.prometheus.wait()
        chain.mailbox.wait(STORING, 60)
        eventually(lambda: beats(chain))


def test_a_clock_that_was_set_back_is_mailed_although_old_samples_look_new(tmp_path: Path) -> None:
    """Prometheus refuses samples that are older than the newest; the rules see the time before the jump once more."""
    with make_chain(tmp_path / "chain", prometheus=PROMETHEUS) as chain:
        eventually(lambda: beats(chain))
        chain.prometheus.stop()
        now, metric = int(time.time()), f'up{{job="prometheus",instance="127.0.0.1:{chain.ports["prometheus"]}"}} 1'
        samples = "".join(f"{metric} {second}\n" for second in range(now, now + 3600))
        (tmp_path / "future").write_text(f"# TYPE up gauge\n{samples}# EOF\n")
        folder = tmp_path / "chain/prometheus"
        command = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", f"{tmp_path}/future", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        chain.prometheus.start()
        chain.prometheus.wait()
        chain.mailbox.wait(NOT_STORING, 90)
        assert query(chain, "time() - timestamp(up) < 5"), "it is not the age that told"
        assert not beats(chain)
