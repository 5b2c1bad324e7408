"""Monitoring a Flask application of your own, exactly as the README describes it."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import yaml

from tests.digits.support import EXAMPLE, Gunicorn

if TYPE_CHECKING:
    from pathlib import Path

README = (EXAMPLE / "README.md").read_text()
SECTION = README.partition("## Watch your own Flask application")[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


def test_it_takes_less_than_20_lines() -> None:
    lines = [line for block in (blocks("python")[0], blocks("sh")[0], blocks("yaml")[0]) for line in block.splitlines()]
    assert len([line for line in lines if line.strip()]) < 20


def test_the_application_of_the_readme_is_watched(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(blocks("python")[0])
    shutil.copy(EXAMPLE / "digits/watching.py", tmp_path)
    options = re.search(r"gunicorn (.*) --bind 0\.0\.0\.0:8001 (\S+)\n", blocks("sh")[0])
    assert options
    assert options[1] == "--workers 1 --threads 8"
    with Gunicorn(tmp_path, app=options[2], cwd=tmp_path) as shop:
        assert shop.get("/").text == "We are open."
        samples = shop.samples()
    assert samples.value("http_requests_total", method="GET", route="/", status="200") == 1
    assert samples.value("http_request_duration_seconds_count", method="GET", route="/") == 1
    assert samples.value("http_request_exceptions_total", method="GET", route="/") == 0


def test_several_workers_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(blocks("python")[0])
    shutil.copy(EXAMPLE / "digits/watching.py", tmp_path)
    assert "PROMETHEUS_MULTIPROC_DIR" in blocks("sh")[1]
    folder = tmp_path / "counters"
    folder.mkdir()
    with Gunicorn(tmp_path, app="shop:app", cwd=tmp_path, workers=3, PROMETHEUS_MULTIPROC_DIR=str(folder)) as shop:
        for _ in range(12):
            assert shop.get("/").status == 200
        counts = {shop.samples().value("http_requests_total", method="GET", route="/", status="200") for _ in range(8)}
    assert counts == {12}


def test_the_lines_about_predictions_work(tmp_path: Path) -> None:
    """The README's next block, in the same application, with a model that a view calls."""
    lines = blocks("python")[1].split("\n\n")
    view = "\n".join(f"    {line}" for line in lines[1].splitlines())
    text = blocks("python")[0].replace("import watch\n", "import Predictions, watch\n")
    text = text.replace("watch(app)  # after the routes\n", lines[0] + "\n")
    text = text.replace('    return "We are open."', f'{view}\n    return "We are open."')
    text = text.replace("answer = model.predict(question)", "1 + 1")
    (tmp_path / "shop.py").write_text(text)
    shutil.copy(EXAMPLE / "digits/watching.py", tmp_path)
    with Gunicorn(tmp_path, app="shop:app", cwd=tmp_path) as shop:
        assert shop.samples().value("predictions_total", outcome="prediction") == 0
        assert shop.get("/").status == 200
        samples = shop.samples()
    assert samples.value("predictions_total", outcome="prediction") == 1
    assert samples.value("prediction_duration_seconds_count") == 1
    assert samples.value("prediction_duration_seconds_bucket", le="2.0") == 1


def test_the_file_for_prometheus_is_one_that_it_reads() -> None:
    name, text = blocks("yaml")[0].split("\n", 1)
    assert re.fullmatch(r"# targets/apps/\w+\.yml", name)
    assert yaml.safe_load(text) == [{"targets": ["host.docker.internal:8001"]}]
