"""``make binary``: a single file that is the whole exporter and runs on a machine without Python."""

from __future__ import annotations

import json
import os
import re
import signal
from importlib.metadata import files, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from exporter import __version__
from exporter.collectors import COLLECTORS
from exporter.render.rows import COLUMNS
from tests.support import Samples, fetch

if TYPE_CHECKING:
    from tests.packaging.alone import Alone

STATIC = Path(__file__).parents[2] / "exporter/web/static"


def test_it_serves_everything_that_the_package_serves(alone: Alone) -> None:
    with alone.serving() as serving:
        page = fetch(f"{serving.url}/")
        assert page.status == 200
        linked = set(re.findall(r"static/([\w.]+)", page.text))
        assert {"page.css", "page.js", "lines.js"} <= linked
        for file in STATIC.iterdir():
            assert fetch(f"{serving.url}/static/{file.name}").body == file.read_bytes(), file.name
        assert "HostHighCpu" in fetch(f"{serving.url}/runbooks").text
        assert json.loads(fetch(f"{serving.url}/api/stats").text)["version"] == __version__
        samples = Samples.parse(fetch(f"{serving.url}/metrics").text)
        for collector in COLLECTORS:
            assert samples.value("host_exporter_collector_success", collector=collector.name) == 1
        assert samples.value("host_exporter_build_info", version=__version__) == 1


def test_it_speaks_of_itself_by_its_name_and_its_own_figures(alone: Alone) -> None:
    """It is two processes: the one that unpacked it waits for the one that serves."""
    with alone.serving("--top", "50") as serving:
        started, serves = serving.processes()
        samples = Samples.parse(fetch(f"{serving.url}/metrics").text)
        assert (samples.value("host_top_process_instances", name="host-exporter") or 0) >= 2
        told = samples.value("process_start_time_seconds")
        assert told == pytest.approx(serves.create_time(), abs=0.1)
        assert told is not None
        assert samples.value("process_resident_memory_bytes") == pytest.approx(serves.memory_info().rss, rel=0.2)
        assert started.memory_info().rss < serves.memory_info().rss


def test_it_takes_nothing_from_a_python_of_this_machine(alone: Alone) -> None:
    with alone.serving() as serving:
        _, serves = serving.processes()
        mapped = {Path(entry.path) for entry in serves.memory_maps() if ".so" in entry.path}
    foreign = {path for path in mapped if not path.is_relative_to(alone.unpacked)}
    assert len(foreign) < len(mapped)
    # libcap is loaded by glibc's module that looks up users with systemd.
    glibc = r"(ld-linux[\w-]*|lib(c|m|dl|rt|pthread|util|nss_\w+|resolv|cap))[.\d-]*\.so[.\d]*"
    assert not [path.name for path in foreign if not re.fullmatch(glibc, path.name)]


def test_nothing_of_the_development_environment_is_inside(built: Path) -> None:
    from PyInstaller.archive.readers import CArchiveReader  # type: ignore[import-untyped]

    archive = CArchiveReader(str(built))
    modules = set(archive.open_embedded_archive("PYZ.pyz").toc)
    tops = {name.partition(".")[0] for name in [*modules, *(name.replace("/", ".") for name in archive.toc)]}
    assert {"exporter", "flask", "cheroot", "psutil", "prometheus_client", "rich", "click"} <= tops
    assert not tops & {"pytest", "numpy", "PIL", "sklearn", "cryptography", "setuptools", "grafana", "tests", "mypy"}
    assert built.stat().st_size < 40e6


def test_every_module_of_the_package_is_inside(built: Path) -> None:
    from PyInstaller.archive.readers import CArchiveReader

    modules = set(CArchiveReader(str(built)).open_embedded_archive("PYZ.pyz").toc)
    package = STATIC.parents[1]
    files = [path.relative_to(package.parent) for path in package.rglob("*.py") if path.name != "__main__.py"]
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}
    assert names <= modules, names - modules


def test_it_carries_the_licence_of_everything_inside(built: Path, alone: Alone) -> None:
    """Compared with the archive itself, not with what the spec lists."""
    from PyInstaller.archive.readers import CArchiveReader

    text = built.with_name("LICENSES.txt").read_text(encoding="utf-8")
    shown = alone.run("--licenses")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, text, "")
    archive = CArchiveReader(str(built))
    modules = {name.replace(".", "/") for name in archive.open_embedded_archive("PYZ.pyz").toc}
    tops = {name.partition("/")[0] for name in [*modules, *archive.toc]}
    owners = packages_distributions()
    packages = {package for top in tops for package in owners.get(top, [])} - {"host-exporter"} | {"pyinstaller"}
    assert packages >= {"bcrypt", "cheroot", "Flask", "PyYAML"}
    for package in packages:
        listed = (file for file in files(package) or [] if file.parts[0].endswith(".dist-info"))
        notices = [file for file in listed if re.match("LICEN|COPYING|NOTICE", file.name)]
        assert notices, f"{package} has no licence text"
        for file in notices:
            assert file.read_text(encoding="utf-8").strip("\n") in text, f"{package}: {file} is missing"
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in text
    assert (STATIC.parents[2] / "LICENSE").read_text(encoding="utf-8").strip("\n") in text
    libraries = {name for name in archive.toc if re.fullmatch(r"lib[^/]+\.so[.\d]*", name)}
    assert libraries
    for name in libraries:
        assert name.startswith("libpython") or re.search(rf"^  .*\b{re.escape(name)}\b", text, re.MULTILINE), name
    # GPL: it would cover the whole program.
    assert not [name for name in libraries if re.match("lib(readline|history|gdbm)", name)]


def test_the_other_commands_work(alone: Alone) -> None:
    assert alone.run("--version").stdout == f"host-exporter, version {__version__}\n"
    assert "serve" in alone.run("--help").stdout
    stats = alone.run("stats")
    assert (stats.returncode, stats.stderr) == (0, "")
    assert json.loads(stats.stdout)["version"] == __version__
    once = alone.run("watch", "--once", "--export-csv", "rows.csv", "--export-jsonl", "rows.jsonl")
    assert once.returncode == 0, once.stderr
    assert "cpu" in once.stdout
    header, row = (alone.folder / "rows.csv").read_text().splitlines()
    assert header.split(",") == list(COLUMNS)
    assert row
    assert list(json.loads((alone.folder / "rows.jsonl").read_text())) == list(COLUMNS)
    with alone.serving() as serving:
        assert alone.run("health", serving.url).returncode == 0
    assert alone.run("health", serving.url).returncode == 1


@pytest.mark.parametrize(
    ("args", "word"), [(["--prot", "80"], "--port"), (["--port", "0"], "65535"), (["watch", "--interval", "x"], "x")]
)
def test_bad_input_is_one_line(alone: Alone, args: list[str], word: str) -> None:
    result = alone.run(*args)
    assert result.returncode == 2
    assert result.stdout == ""
    assert re.fullmatch(r"host-exporter: .+\n", result.stderr)
    assert word in result.stderr


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "Ctrl-C"])
def test_a_signal_ends_it_in_order_and_leaves_nothing_behind(alone: Alone, how: str) -> None:
    with alone.serving("--export-csv", "rows.csv", start_new_session=True) as serving:
        processes = serving.processes()
        assert len(processes) == 2
        assert list(alone.unpacked.iterdir())
        if how == "Ctrl-C":
            os.killpg(serving.process.pid, signal.SIGINT)  # like a terminal, to both processes
        else:
            serving.process.send_signal(signal.Signals[how])
        _, log = serving.process.communicate(timeout=30)
    assert serving.process.returncode == 0
    assert "Traceback" not in log
    assert not [each for each in processes if psutil.pid_exists(each.pid)]
    assert list(alone.unpacked.iterdir()) == []
    assert (alone.folder / "rows.csv").read_text().endswith("\n")
