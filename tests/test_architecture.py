"""What the code promises about itself: figures flow one way, files are short, every collector is listed and tested."""

from __future__ import annotations

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import exporter
from exporter.collectors import COLLECTORS
from exporter.findings import none_yet

PACKAGE = Path(exporter.__file__).parent
TESTS = Path(__file__).parent
ROOT = TESTS.parent
FILES = sorted(PACKAGE.rglob("*.py"))
COLLECTOR_FILES = sorted(path for path in (PACKAGE / "collectors").glob("*.py") if path.stem != "__init__")
RENDER_FILES = sorted((PACKAGE / "render").glob("*.py"))
SOURCE_FILES = sorted((PACKAGE / "sources").glob("*.py"))
DESKTOP_FILES = sorted((PACKAGE / "desktop").glob("*.py"))
WITHOUT_A_WINDOW = sorted(set(FILES) - set(DESKTOP_FILES))

LAYERS = (
    ("plausible",),
    ("errors",),
    ("address", "signals", "threads", "thresholds", "families"),
    ("sources",),
    ("settings", "findings"),
    ("chain",),
    ("machine",),
    ("model",),
    ("collectors",),
    ("sampling", "render"),
    ("recording",),
    ("web", "desktop"),
    ("access",),
    ("serving",),
    ("commands",),
    ("__main__",),
)
"""The packages of exporter/, bottom to top. Each imports only from itself and from layers below it."""

LONGEST_FILE = 220
"""Lines. A longer file does more than one thing."""


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


def module_of(path: Path) -> str:
    """Return a file's dotted name; that of a package for its __init__."""
    names = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


MODULES = {module_of(path): path for path in FILES}


def room_of(module: str) -> str:
    """Return the package or root module that a module belongs to, empty for exporter itself."""
    return module.split(".")[1] if "." in module else ""


def edges(path: Path) -> set[str]:
    """Return the modules of ours that a file imports, also within functions and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            # A name that is no module stands in the package itself.
            found |= inner & set(MODULES) or {node.module}
            found |= {node.module} if inner - set(MODULES) else set()
    return (found & set(MODULES)) - {"exporter"}


def test_the_package_itself_imports_nothing_of_ours() -> None:
    assert edges(MODULES["exporter"]) == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_imported_behind_these_tests_backs(path: Path) -> None:
    assert not within(imports(path), "importlib.import_module", "importlib.util", "runpy")
    names = {node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert not names & {"__import__", "exec", "eval"}


def test_every_package_is_in_one_layer() -> None:
    rooms = {room_of(module) for module in MODULES} - {""}
    listed = [room for layer in LAYERS for room in layer]
    assert sorted(listed) == sorted(rooms), "LAYERS in tests/test_architecture.py and the contents of exporter/ differ"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"exporter"}))
def test_no_import_points_upwards(module: str) -> None:
    layer_of = {room: layer for layer, rooms in enumerate(LAYERS) for room in rooms}
    room = room_of(module)
    for other in edges(MODULES[module]):
        assert room_of(other) == room or layer_of[room_of(other)] < layer_of[room], (
            f"{module} imports {other}, which is not in a layer below it; see docs/architecture.md"
        )


def test_the_layers_are_documented() -> None:
    drawn = "\n".join(" ".join(layer) for layer in LAYERS[:-1])
    assert f"```\n{drawn}\n```" in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_no_import_goes_in_a_circle() -> None:
    TopologicalSorter({module: edges(path) for module, path in MODULES.items()}).prepare()


@pytest.mark.parametrize(
    "path", [*FILES, *sorted((ROOT / "grafana").glob("*.py"))], ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_file_is_too_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{path.name} has {lines} lines; at most {LONGEST_FILE}: split it by subject"


@pytest.mark.parametrize("path", COLLECTOR_FILES, ids=ids)
def test_every_collector_is_listed_under_its_modules_name(path: Path) -> None:
    listed = {each.name: each for each in COLLECTORS}
    assert path.stem in listed, f"exporter/collectors/{path.name} is not in COLLECTORS: nobody will ever read it"
    collector = listed[path.stem]
    module = f"exporter.collectors.{path.stem}"
    assert {collector.read.__module__, collector.metrics.__module__, collector.section.__module__} == {module}
    assert collector.findings in {none_yet, getattr(sys.modules[module], "findings", None)}


def test_every_listed_collector_is_there_once() -> None:
    assert sorted(each.name for each in COLLECTORS) == [path.stem for path in COLLECTOR_FILES]
    assert len({each.section for each in COLLECTORS}) == len(COLLECTORS)


@pytest.mark.parametrize("path", [*COLLECTOR_FILES, *SOURCE_FILES], ids=ids)
def test_what_reads_the_machine_needs_no_library_that_shows_it(path: Path) -> None:
    assert not within(imports(path), "flask", "cheroot", "rich", "click")


@pytest.mark.parametrize("path", RENDER_FILES, ids=ids)
def test_what_renders_never_touches_the_machine(path: Path) -> None:
    found = imports(path)
    assert not within(found, "psutil", "os", "pathlib", "socket", "subprocess", "glob", "time", "exporter.machine")
    assert not within(found, "exporter.sources")
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "open"]


@pytest.mark.parametrize("path", DESKTOP_FILES, ids=ids)
def test_the_window_asks_the_machine_through_samples_only(path: Path) -> None:
    found = imports(path)
    assert not within(
        found, "psutil", "socket", "glob", "exporter.sources", "exporter.web", "exporter.commands.cli", "click"
    )
    if path.stem in {"feed", "recording"}:  # these run in threads of their own
        assert not within(found, "tkinter", "exporter.desktop.window", "exporter.desktop.controls")


@pytest.mark.parametrize("path", WITHOUT_A_WINDOW, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_window_needs_tk(path: Path) -> None:
    found = imports(path)
    assert not within(found, "tkinter")
    assert module_of(path) == "exporter.commands.run" or not within(found, "exporter.desktop")


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
