"""What the code promises about itself: every collector is listed and tested, and figures flow one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import exporter
from exporter.collectors import COLLECTORS

PACKAGE = Path(exporter.__file__).parent
TESTS = Path(__file__).parent
COLLECTOR_FILES = sorted(path for path in (PACKAGE / "collectors").glob("*.py") if path.stem != "__init__")
RENDER_FILES = sorted((PACKAGE / "render").glob("*.py"))
SOURCE_FILES = sorted((PACKAGE / "sources").glob("*.py"))
DESKTOP_FILES = sorted((PACKAGE / "desktop").glob("*.py"))
WITHOUT_A_WINDOW = sorted(set(PACKAGE.rglob("*.py")) - set(DESKTOP_FILES))


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, also within functions and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            # "from exporter import render" names a module as well.
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def within(names: set[str], *modules: str) -> set[str]:
    """Return those names that are one of the modules or within it."""
    return {name for name in names if any(name == module or name.startswith(f"{module}.") for module in modules)}


def ids(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", COLLECTOR_FILES, ids=ids)
def test_every_collector_is_listed_under_its_modules_name(path: Path) -> None:
    listed = {each.name: each for each in COLLECTORS}
    assert path.stem in listed, f"exporter/collectors/{path.name} is not in COLLECTORS: nobody will ever read it"
    collector = listed[path.stem]
    module = f"exporter.collectors.{path.stem}"
    assert {collector.read.__module__, collector.metrics.__module__, collector.section.__module__} == {module}


def test_every_listed_collector_is_there_once() -> None:
    assert sorted(each.name for each in COLLECTORS) == [path.stem for path in COLLECTOR_FILES]
    assert len({each.section for each in COLLECTORS}) == len(COLLECTORS)


@pytest.mark.parametrize("path", COLLECTOR_FILES, ids=ids)
def test_every_collector_has_tests_of_its_own(path: Path) -> None:
    tests = TESTS / "collectors" / f"test_{path.stem}.py"
    assert tests.is_file(), f"tests/collectors/{tests.name} is missing"
    functions = [
        node for node in ast.parse(tests.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
    ]
    assert any(function.name.startswith("test_") for function in functions), f"{tests.name} tests nothing"
    assert within(imports(tests), f"exporter.collectors.{path.stem}"), f"{tests.name} tests another module"


@pytest.mark.parametrize("path", [*COLLECTOR_FILES, *SOURCE_FILES], ids=ids)
def test_what_reads_the_machine_knows_nothing_of_those_who_show_it(path: Path) -> None:
    shows = (
        "render",
        "web",
        "desktop",
        "cli",
        "program",
        "commands",
        "server",
        "export",
        "options",
        "history",
        "health",
        "thresholds",
    )
    assert not within(imports(path), *(f"exporter.{name}" for name in shows))
    assert not within(imports(path), "flask", "cheroot", "rich", "click")


@pytest.mark.parametrize("path", RENDER_FILES, ids=ids)
def test_what_renders_never_touches_the_machine(path: Path) -> None:
    found = imports(path)
    assert not within(found, "psutil", "os", "pathlib", "socket", "subprocess", "glob", "time", "exporter.machine")
    others = ("sources", "sampler", "web", "desktop", "cli", "program")
    assert not within(found, *(f"exporter.{name}" for name in others))
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "open"]


@pytest.mark.parametrize("path", DESKTOP_FILES, ids=ids)
def test_the_window_asks_the_machine_through_samples_only(path: Path) -> None:
    found = imports(path)
    assert not within(found, "psutil", "socket", "glob", "exporter.sources", "exporter.web", "exporter.cli", "click")
    if path.stem in {"feed", "recording"}:  # these run in threads of their own
        assert not within(found, "tkinter", "exporter.desktop.window", "exporter.desktop.controls")


@pytest.mark.parametrize("path", WITHOUT_A_WINDOW, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_window_needs_tk(path: Path) -> None:
    found = imports(path)
    assert not within(found, "tkinter")
    assert path.stem == "commands" or not within(found, "exporter.desktop")


@pytest.mark.parametrize("path", COLLECTOR_FILES, ids=ids)
def test_every_section_is_a_frozen_dataclass_without_a_dict_of_its_own(path: Path) -> None:
    section = next(each.section for each in COLLECTORS if each.name == path.stem)
    assert section.__dataclass_params__.frozen
    assert not hasattr(section, "__dict__") or "__slots__" in vars(section)


def test_nobody_asks_psutil_for_a_cpu_percentage() -> None:
    """It keeps its state per thread: two readers 30 ms apart saw 66 % of a true 51 %."""
    for path in PACKAGE.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        assert not names & {"cpu_percent", "cpu_times_percent"}, path.name
