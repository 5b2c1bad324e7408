"""Files of a host mounted under --rootfs are the host's own, wherever its links lead."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

import pytest

from exporter.machine import open_machine
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.sources.host import LINUX, Host, number, read_flag, read_int
from tests.machines import copy_fixture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not LINUX, reason="--rootfs is for Linux containers")


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({}, "etc/hostname"),
        ({"etc/hostname": "/etc/static/hostname"}, "etc/static/hostname"),
        ({"etc/hostname": "static/hostname"}, "etc/static/hostname"),
        ({"etc/hostname": "../usr/hostname"}, "usr/hostname"),
        ({"etc/hostname": "../../../../../usr/hostname"}, "usr/hostname"),
        ({"etc/hostname": "/a", "a": "/b", "b": "etc/static/hostname"}, "etc/static/hostname"),
        ({"etc/static": "/usr", "etc/hostname": "/etc/static/hostname"}, "usr/hostname"),
    ],
)
def test_links_are_followed_inside_the_rootfs(tmp_path: Path, links: dict[str, str], expected: str) -> None:
    for folder in ("etc", "usr"):
        (tmp_path / folder).mkdir()
    for place, target in links.items():
        (tmp_path / place).symlink_to(target)
    assert Host(str(tmp_path)).inside("/etc/hostname") == f"{tmp_path}/{expected}"


def test_a_link_to_itself_is_no_endless_loop(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/etc")
    assert Host(str(tmp_path)).inside("/etc/hostname").startswith(str(tmp_path))


def test_without_a_rootfs_paths_stay_the_same() -> None:
    assert Host("").inside("/etc/hostname") == "/etc/hostname"


def test_a_hidden_first_process_is_not_replaced_by_the_containers_own_view(tmp_path: Path) -> None:
    """With hidepid we see no PID 1 in the host's /proc, and its "self" is the exporter, with the container's mounts."""
    root = copy_fixture("laptop", tmp_path)
    (root / "proc/1").rename(root / "proc/4711")
    (root / "proc/self").unlink()
    (root / "proc/self").symlink_to("4711")
    sampler = Sampler(open_machine(Settings(rootfs=str(root))))
    failures = {failure.collector: failure.error or "" for failure in sampler.sample().failures()}
    assert failures.keys() == {"filesystem", "network"}
    for error in failures.values():
        assert "/proc/1/" in error
        assert error.endswith("cannot be read: the host's /proc hides process 1 (hidepid)")


def test_without_a_rootfs_our_own_view_of_a_hidden_first_process_is_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "proc", str(tmp_path))
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_bytes(b"mounts")
    assert Host("").read_init("mountinfo") == b"mounts"
    with pytest.raises(OSError, match="net/dev cannot be read: missing"):
        Host("").read_init("net/dev")


@pytest.mark.parametrize(
    ("text", "figure"),
    [("5\n", 5), ("-5\n", -5), (" 7 \n", 7), ("0\n", 0)]
    + [
        (text, None)
        for text in ("", "-", "--5", "- 5", "+5", " +5", "1_0_0", "0x5", "5.0", "\u0665", "9" * 41, "9" * 6000)
    ],
)
def test_a_number_is_digits_and_a_sign(tmp_path: Path, text: str, figure: int | None) -> None:
    (tmp_path / "file").write_text(text)
    assert read_int(str(tmp_path / "file")) == figure
    assert number(text.strip()) == pytest.approx(nan if figure is None and text != "5.0" else float(text), nan_ok=True)
    flag = None if figure is None or figure < 0 else figure > 0
    assert read_flag(str(tmp_path / "file")) is flag
