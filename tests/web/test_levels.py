"""Thresholds are set in one place and apply everywhere; readiness tells whether any collector works."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from exporter.collectors import COLLECTORS
from exporter.collectors.cpu import Cpu
from exporter.collectors.memory import Memory
from exporter.machine import open_machine
from exporter.render.units import UNKNOWN
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.web import create_app
from exporter.web.limits import PATIENT, Waiting
from tests.support import Exporter, Samples
from tests.web.test_page import Page, page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask.testing import FlaskClient

MEMORY = next(collector for collector in COLLECTORS if collector.name == "memory")
DEFAULT = {"warning_ratio": 0.8, "critical_ratio": 0.9}


def _fail(*_: object) -> NoReturn:
    raise OSError("nothing to read")


def _client(usage: float, **settings: Any) -> FlaskClient:
    """Return a client of an application on a machine with memory usage ``usage`` (0-1)."""
    memory = Memory(1000, round(1000 * (1 - usage)), None, round(1000 * usage), usage, 0, 0, None)
    chosen = Settings(**settings)
    collectors = [replace(MEMORY, read=lambda _machine, _baseline: memory)]
    return create_app(Sampler(open_machine(chosen), collectors), chosen).test_client()


@pytest.mark.parametrize(
    ("usage", "level", "headline"),
    [
        (0.0, "ok", "all well"),
        (0.7999, "ok", "all well"),
        (0.8, "warning", "1 warning"),
        (0.8999, "warning", "1 warning"),
        (0.9, "critical", "1 critical"),
        (1.0, "critical", "1 critical"),
    ],
)
def test_a_level_is_reached_at_its_value_on_page_and_in_json(usage: float, level: str, headline: str) -> None:
    client = _client(usage)
    page = Page(client.get("/").text)
    badge, text = page.one("p", id="badge")
    assert (badge["class"], text) == (level, headline)
    assert page.title() == f"this machine: {headline}"
    assert page.one("link", rel="icon")[0]["href"] == f"static/{level}.svg"
    assert page.one("h2", id="memory")[1] == ("Memory" if level == "ok" else f"Memory {level}")
    assert len(page.all("svg", **{"class": f"bar {level}"})) == 1

    stats = json.loads(client.get("/api/stats").data)
    assert stats["level"] == level
    (finding,) = stats["levels"]
    assert finding == {
        "resource": "memory",
        "subject": "",
        "usage_ratio": usage,
        "level": level,
        "threshold_ratio": 0.9 if level == "critical" else 0.8,
    }


def test_a_figure_that_is_unknown_has_neither_level_nor_bar_and_keeps_its_place() -> None:
    sections = {
        "cpu": Cpu(None, (0.5, None), {}, 2, None, (0, 2), {}, 0.0),
        "memory": Memory(1000, None, None, None, None, None, None, None),
    }
    chosen = Settings()

    def read(name: str) -> Callable[..., object]:
        return lambda _machine, _baseline: sections[name]

    collectors = [replace(each, read=read(each.name)) for each in COLLECTORS if each.name in sections]
    client = create_app(Sampler(open_machine(chosen), collectors), chosen).test_client()
    page = Page(client.get("/").text)
    assert [text for _, text in page.all("h2")] == ["CPU", "Memory"]
    assert [text for _, text in page.all("p", **{"class": "figure"})] == [UNKNOWN, UNKNOWN]
    assert not page.all("svg", **{"class": "bar ok"}) + page.all("svg", **{"class": "bar "})
    assert [text for _, text in page.all("title")][-2:] == ["core 0: 50 %", f"core 2: {UNKNOWN}"]
    assert json.loads(client.get("/api/stats").data)["levels"] == []


@pytest.mark.parametrize("percent", [29, 57, 58, 55.5, 99.99, 1.07])
def test_a_level_is_reached_at_every_value_however_it_is_written(percent: float) -> None:
    """In floating point, multiplying by 100 and dividing by 100 are not always inverse: the ratio decides."""
    stats = json.loads(_client(percent / 100, memory_warning=percent, memory_critical=100).get("/api/stats").data)
    assert stats["level"] == "warning"


def test_the_reason_for_a_level_is_shown_with_its_threshold() -> None:
    page = Page(_client(0.95, memory_critical=94.5).get("/").text)
    (said,) = [text for _, text in page.all("li", **{"class": "critical"})]
    assert said.replace("\u00a0", " ").startswith("Memory 95 % (critical at 94")


def test_without_a_level_there_is_no_list_of_reasons() -> None:
    assert Page(_client(0.5).get("/").text).all("ul") == []


def test_thresholds_are_drawn_at_their_values() -> None:
    page = page_of(only=("memory",), memory_warning=33, memory_critical=66.5)
    assert [attributes["x"] for attributes, _ in page.all("rect", **{"class": "mark"})] == ["33.00%", "66.50%"]
    (bar,) = [attributes for attributes, _ in page.all("svg") if attributes["class"].startswith("bar")]
    assert "warning at 33" in bar["aria-label"]


@pytest.mark.parametrize(
    ("limits", "levels", "marks", "label"),
    [
        ({"warning": None}, {0.85: "ok", 0.9: "critical"}, ["90.00%"], ", critical at 90 %"),
        ({"critical": None}, {0.79: "ok", 0.8: "warning", 1.0: "warning"}, ["80.00%"], ", warning at 80 %"),
        ({"warning": None, "critical": None}, {0.5: "ok", 1.0: "ok"}, [], ""),
    ],
    ids=["critical only", "warning only", "none"],
)
def test_a_limit_that_is_none_has_neither_level_nor_mark_nor_series(
    limits: dict[str, None], levels: dict[float, str], marks: list[str], label: str
) -> None:
    settings = {f"memory_{severity}": limit for severity, limit in limits.items()}
    for usage, level in levels.items():
        client = _client(usage, **settings)
        page = Page(client.get("/").text)
        assert page.one("p", id="badge")[0]["class"] == level
        [bar] = [attributes for attributes, _ in page.all("svg") if attributes["class"] == f"bar {level}"]
        assert bar["aria-label"].replace("\u00a0", " ") == f"Memory: {100 * usage:.0f} %{label}"
        assert [attributes["x"] for attributes, _ in page.all("rect", **{"class": "mark"})] == marks
        stats = json.loads(client.get("/api/stats").data)
        assert stats["level"] == level
        assert [(each["level"], each["threshold_ratio"]) for each in stats["levels"]] == [
            (level, float(mark.removesuffix("%")) / 100) for mark in marks
        ]
        samples = Samples.parse(client.get("/metrics").text)
        for severity in ("warning", "critical"):
            value = samples.value("host_alert_threshold_ratio", resource="memory", severity=severity)
            assert (value is None) == (severity in limits)


@pytest.mark.parametrize(
    ("settings", "levels"),
    [
        ({}, ["ok", "warning", "critical"]),
        ({"cpu_warning": None}, ["ok", "ok", "critical"]),
        ({"cpu_critical": None}, ["ok", "warning", "warning"]),
        ({"cpu_warning": None, "cpu_critical": None}, ["ok", "ok", "ok"]),
    ],
    ids=["both", "critical only", "warning only", "none"],
)
def test_cores_have_the_levels_whose_limits_are_set(settings: dict[str, None], levels: list[str]) -> None:
    section = Cpu(0.5, (0.1, 0.85, 0.95), {}, 3, 3, (0, 1, 2), {}, 0.0)
    collectors = [replace(each, read=lambda *_: section) for each in COLLECTORS if each.name == "cpu"]
    chosen = Settings(**settings)  # type: ignore[arg-type]
    page = Page(create_app(Sampler(open_machine(chosen), collectors), chosen).test_client().get("/").text)
    cores = [attributes["class"] for attributes, _ in page.all("svg") if attributes["class"].startswith("core")]
    assert cores == [f"core {level}" for level in levels]


def test_real_memory_crosses_a_low_threshold() -> None:
    with Exporter("--memory-warning", "1", "--memory-critical", "1.01") as exporter:
        page = Page(exporter.get("/").text)
        stats = json.loads(exporter.get("/api/stats").body)
    assert page.one("p", id="badge")[0]["class"] == "critical"
    assert "critical" in page.one("p", id="badge")[1]
    assert "critical" in page.title()
    assert any(text.startswith("Memory") for _, text in page.all("li", **{"class": "critical"}))
    assert stats["level"] == "critical"


FLAGS = {
    "--cpu-warning": "11",
    "--cpu-critical": "22.5",
    "--memory-warning": "33",
    "--memory-critical": "44",
    "--filesystem-warning": "55",
    "--filesystem-critical": "100",
}
WANTED = {
    "cpu": {"warning_ratio": 0.11, "critical_ratio": 0.225},
    "memory": {"warning_ratio": 0.33, "critical_ratio": 0.44},
    "filesystem": {"warning_ratio": 0.55, "critical_ratio": 1.0},
}

NO_FILESYSTEM = ["--filesystem-warning", "none", "--filesystem-critical", "none"]
SOME: dict[str, dict[str, float | None]] = {
    "cpu": {"warning_ratio": 0.8, "critical_ratio": None},
    "memory": {"warning_ratio": None, "critical_ratio": 0.9},
    "filesystem": {"warning_ratio": None, "critical_ratio": None},
}


def _variable(flag: str) -> str:
    return "HOST_EXPORTER_" + flag[2:].replace("-", "_").upper()


@pytest.mark.parametrize(
    ("args", "env", "wanted"),
    [
        ([], {}, {"cpu": DEFAULT, "memory": DEFAULT, "filesystem": DEFAULT}),
        ([word for pair in FLAGS.items() for word in pair], {}, WANTED),
        ([], {_variable(flag): value for flag, value in FLAGS.items()}, WANTED),
        (["--cpu-warning", "11", "--cpu-critical=22.5"], {"HOST_EXPORTER_CPU_WARNING": "1"}, {"cpu": WANTED["cpu"]}),
        (["--cpu-critical=none", "--memory-warning", "NONE", *NO_FILESYSTEM], {}, SOME),
        ([], {_variable(flag): "none" for flag in ("--cpu-critical", "--memory-warning", *NO_FILESYSTEM[::2])}, SOME),
        (["--cpu-critical", "90"], {"HOST_EXPORTER_CPU_CRITICAL": "none"}, {"cpu": DEFAULT}),
    ],
    ids=[
        "defaults",
        "flags",
        "variables",
        "a flag goes before its variable",
        "none by flags",
        "none by variables",
        "a flag goes before none",
    ],
)
def test_exported_thresholds_follow_flags_and_variables(
    args: list[str], env: Mapping[str, str], wanted: Mapping[str, Mapping[str, float | None]]
) -> None:
    with Exporter(*args, env=env) as exporter:
        samples, stats = exporter.samples(), json.loads(exporter.get("/api/stats").body)
    _check(samples, stats["thresholds"], wanted)


def _check(samples: Samples, thresholds: dict[str, Any], wanted: Mapping[str, Mapping[str, float | None]]) -> None:
    assert {resource: thresholds[resource] for resource in wanted} == wanted
    for resource, limits in wanted.items():
        for severity in ("warning", "critical"):
            value = samples.value("host_alert_threshold_ratio", resource=resource, severity=severity)
            assert value == limits[f"{severity}_ratio"], "the series of a limit that is none is absent"


def test_ready_is_503_when_every_collector_fails_and_healthy_goes_on() -> None:
    settings = Settings()
    collectors = [replace(collector, read=_fail) for collector in COLLECTORS]
    client = create_app(Sampler(open_machine(settings), collectors), settings).test_client()
    answer = client.get("/-/ready")
    assert (answer.status_code, answer.text) == (503, "all collectors are failing\n")
    assert client.get("/-/healthy").status_code == 200
    assert client.get("/api/stats").status_code == 200
    exposition = Samples.parse(client.get("/metrics").text)
    assert {s.value for s in exposition.samples if s.name == "host_exporter_collector_success"} == {0.0}


def test_ready_is_200_as_long_as_one_collector_works() -> None:
    settings = Settings()
    collectors = [replace(each, read=each.read if each.name == "memory" else _fail) for each in COLLECTORS]
    client = create_app(Sampler(open_machine(settings), collectors), settings).test_client()
    assert client.get("/-/ready").status_code == 200


@pytest.mark.parametrize("header", ["1e-9", "0.001", "-1", "nan", "inf", "1e308", ""])
def test_ready_does_not_depend_on_the_clients_patience(header: str) -> None:
    settings = Settings(max_age=0)
    client = create_app(Sampler(open_machine(settings)), settings).test_client()
    for path in ("/-/ready", "/-/healthy", "/", "/api/stats", "/metrics"):
        assert client.get(path, headers={"X-Prometheus-Scrape-Timeout-Seconds": header}).status_code == 200, path


def test_ready_is_200_if_a_sample_could_be_taken_lately_whoever_waits_for_the_next() -> None:
    shut, released = threading.Event(), threading.Event()

    def read(*_: object) -> None:
        assert not shut.is_set() or released.wait(60), "never released"

    sampler = Sampler(open_machine(Settings(max_age=0)), [replace(each, read=read) for each in COLLECTORS])
    waiting = Waiting(sampler)
    assert waiting.is_ready()
    shut.set()
    for _ in range(PATIENT):  # the places of those that wait as long as it takes
        waiting._places.acquire()
    assert waiting.is_ready()
    assert sampler.lately(0) is None
    released.set()
