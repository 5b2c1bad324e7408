"""Received images are kept as PNGs, within limits, and never make a request fail."""

from __future__ import annotations

import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import pytest
from PIL import Image, PngImagePlugin
from prometheus_client import CollectorRegistry, Counter

from tests.digits.support import data_url, png, seven
from tests.support import Samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from pathlib import Path

    from digits.gallery import Gallery
    from flask import Flask

NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z\.png")


def gallery(folder: Path, most: int = 200, most_bytes: int = 20_000_000) -> tuple[Gallery, Counter]:
    from digits.gallery import Gallery

    failures = Counter("failures", "Failures.", registry=CollectorRegistry())
    return Gallery(str(folder), most, most_bytes, failures, logging.getLogger("gallery")), failures


def kept(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_a_received_image_is_kept_under_its_time(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    before = datetime.now(UTC)
    make_app().test_client().post("/api/predict", json={"image": data_url(png(seven()))})
    (name,) = kept(tmp_path / "saved_images")
    assert NAME.fullmatch(name)
    assert before <= datetime.strptime(name, "%Y-%m-%dT%H-%M-%S.%fZ.png").replace(tzinfo=UTC) <= datetime.now(UTC)
    with Image.open(tmp_path / "saved_images" / name) as image:
        assert image.tobytes() == seven().tobytes()


def test_nothing_but_pixels_is_stored(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<?php secret ?>")
    sent = png(seven(), pnginfo=info) + b"<?php secret ?>"
    make_app().test_client().post("/api/predict", json={"image": data_url(sent)})
    (name,) = kept(tmp_path / "saved_images")
    assert b"secret" in sent
    assert b"secret" not in (tmp_path / "saved_images" / name).read_bytes()


def test_empty_pictures_are_kept_and_what_is_no_png_is_not(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    client = make_app().test_client()
    assert client.post("/api/predict", json={"image": data_url(png(Image.new("L", (9, 9))))}).status_code == 422
    assert client.post("/api/predict", json={"image": data_url(b"no PNG")}).status_code == 400
    assert len(kept(tmp_path / "saved_images")) == 1


def test_the_oldest_go_first_and_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "2020-01-01.png").write_text("mine too")
    images, _ = gallery(tmp_path, most=3)
    names = []
    for _ in range(5):
        images.keep(seven(size=28))
        names.append(next(name for name in reversed(kept(tmp_path)) if NAME.fullmatch(name)))
    assert kept(tmp_path) == ["2020-01-01.png", *names[-3:], "notes.txt"]


def test_their_size_together_is_bounded(tmp_path: Path) -> None:
    size = len(png(seven()))
    images, failures = gallery(tmp_path, most_bytes=4 * size + size // 2)
    for _ in range(10):
        images.keep(seven())
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * size + size // 2
    assert len(kept(tmp_path)) == 4
    assert failures._value.get() == 0


def test_bounds_and_names_hold_under_many_threads(tmp_path: Path) -> None:
    images, failures = gallery(tmp_path, most=30)
    seen: set[str] = set()
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: images.keep(seven(size=28)), range(200)):
            now = kept(tmp_path)
            assert len(now) <= 30
            seen.update(now)
    assert len(kept(tmp_path)) == 30
    assert len(seen) > 30
    assert failures._value.get() == 0
    for path in tmp_path.iterdir():
        Image.open(path).verify()


def test_two_galleries_in_one_folder_never_write_over_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits import gallery as module

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2026, 11, 21, 10, 15, 30, 123456, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Stopped)
    for images, _ in (gallery(tmp_path), gallery(tmp_path)):
        images.keep(seven(size=28))
    assert kept(tmp_path) == [f"2026-11-21T10-15-30.12345{last}Z.png" for last in (6, 7)]


def test_a_folder_that_cannot_be_written_costs_no_answer_and_is_logged_once(
    make_app: Callable[..., Flask], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "saved_images"
    place.write_text("a file stands where the folder should be")
    app = make_app()
    app.logger.addHandler(caplog.handler)
    client = app.test_client()

    def ask() -> tuple[int, float | None]:
        answer = client.post("/api/predict", json={"image": data_url(png(seven()))})
        return answer.status_code, Samples.parse(client.get("/metrics").text).value("saved_images_failures_total")

    try:
        assert ask() == (200, 1)
        assert ask() == (200, 2)
        place.unlink()
        assert ask() == (200, 2)
        assert ask() == (200, 2)
    finally:
        app.logger.removeHandler(caplog.handler)
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"cannot save images in '{place}': File exists", "images can be saved again"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this machine has no /dev/full")
def test_a_full_disk_leaves_no_half_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from digits import gallery as module

    def full(path: str, mode: str) -> object:
        with open(path, mode):  # the file is created, but there is no room for its content
            return open("/dev/full", "wb")

    monkeypatch.setattr(module, "open", full, raising=False)
    images, failures = gallery(tmp_path)
    images.keep(seven())
    assert kept(tmp_path) == []
    assert failures._value.get() == 1


def test_none_are_kept_where_none_are_wanted(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    client = make_app(saved_images_count=0).test_client()
    assert client.post("/api/predict", json={"image": data_url(png(seven()))}).status_code == 200
    assert not (tmp_path / "saved_images").exists()
