"""The content of the status page, checked without a browser, since the server renders it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import ChoiceLoader, DictLoader

from exporter.collectors import COLLECTORS
from exporter.machine import open_machine
from exporter.sampling.history import History
from exporter.sampling.sampler import Sampler
from exporter.settings import Settings
from exporter.web import create_app
from tests.other_systems import MacOs, Windows

if TYPE_CHECKING:
    from tests.support import Exporter

VOID = {"wbr", "meta", "link", "rect", "path", "br"}


class Page(HTMLParser):
    """A page as a list of elements: (tag, attributes, text inside)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: tuple[str, dict[str, str], list[str]] = (tag, {name: value or "" for name, value in attrs}, [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1][0] == tag, f"</{tag}> closes <{self._open[-1][0]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for _, _, inside in self._open:
            inside.append(data)

    def all(self, tag: str, **wanted: str) -> list[tuple[dict[str, str], str]]:
        return [
            (attributes, " ".join("".join(inside).split()))
            for name, attributes, inside in self.elements
            if name == tag and wanted.items() <= attributes.items()
        ]

    def title(self) -> str:
        return self.all("title")[0][1]  # the others are titles of pictures

    def one(self, tag: str, **wanted: str) -> tuple[dict[str, str], str]:
        (found,) = self.all(tag, **wanted)
        return found


def page_of(only: tuple[str, ...] = (), history: bool = True, **settings: Any) -> Page:
    """Return the page of this machine under these settings, with all collectors or those in ``only``."""
    chosen = Settings(**settings)
    collectors = [collector for collector in COLLECTORS if not only or collector.name in only]
    points = History()
    sampler = Sampler(open_machine(chosen), collectors, on_sample=points.add)
    answer = create_app(sampler, chosen, points if history else None).test_client().get("/")
    assert answer.status_code == 200
    return Page(answer.text)


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of()


def test_the_page_names_the_machine_and_shows_every_subject(page: Page) -> None:
    hostname = page.one("h1")[1]
    assert hostname
    assert page.title().startswith(f"{hostname}: ")
    assert page.one("html")[0]["lang"] == "en"
    headings = [text for _, text in page.all("h2")]
    for subject in ("Cpu", "Memory", "Filesystem", "Top processes", "Network"):
        assert any(heading.removeprefix("Fullest ").capitalize().startswith(subject) for heading in headings), subject
    assert len(page.all("tr")) > 3


@pytest.mark.parametrize(("system", "states"), [(Windows, False), (MacOs, True)])
def test_the_page_has_states_where_the_system_names_them(
    system: type[Windows | MacOs], states: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    system(monkeypatch)
    page = page_of(only=("system", "processes"))
    assert ("State" in [text for _, text in page.all("th")]) == states
    total = page.one("h2", id="processes")[1]
    assert total == ("Top processes 2 total, 2 running" if states else "Top processes 3 total")


def test_the_page_loads_nothing_external(page: Page) -> None:
    loaded = [
        attributes[name]
        for tag, attributes, _ in page.elements
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href")
        if name in attributes and tag != "a"
    ]
    assert loaded
    assert all(address.startswith("static/") for address in loaded)
    assert not {"img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _, _ in page.elements}


def test_the_page_links_to_its_own_figures(page: Page) -> None:
    links = {attributes["href"]: text for attributes, text in page.all("a") if ":" not in attributes["href"]}
    links = {address: text for address, text in links.items() if not address.startswith("runbooks#")}
    assert links == {"runbooks": "Runbooks", "metrics": "/metrics", "api/stats": "/api/stats"}


def test_the_stylesheet_and_the_script_load_nothing_external(exporter: Exporter) -> None:
    for path in ("/static/page.css", "/static/page.js"):
        text = exporter.get(path).text
        assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "@import" not in text


def test_the_page_has_no_inline_style_or_script(page: Page) -> None:
    """It has to work under a content security policy that allows neither."""
    assert page.all("style") == []
    assert all(text == "" and attributes["src"] for attributes, text in page.all("script"))
    for _, attributes, _ in page.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.get("href", "").startswith("javascript:")


def test_every_picture_and_section_is_named_for_a_screen_reader(page: Page) -> None:
    assert all(attributes["aria-label"] for attributes, _ in page.all("svg", role="img"))
    assert len(page.all("svg", role="img")) == len(page.all("svg"))
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(attributes["aria-labelledby"] in ids for attributes, _ in page.all("section"))
    assert page.one("p", id="badge")[0]["role"] == "status"


def test_hostile_names_are_shown_as_text() -> None:
    name, hostname = "<b>&\"'x", '<script>alert(\'"&")</script>'
    program = (
        f"open('/proc/self/comm', 'w').write({name!r})\n"
        "print('named', flush=True)\n"
        "import time\n"
        "end = time.monotonic() + 60\n"
        "while time.monotonic() < end: pass\n"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("a process names itself through /proc")
    load = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert load.stdout
        assert load.stdout.readline() == "named\n"
        page = page_of(only=("system", "processes", "memory"), top=50, hostname=hostname)
    finally:
        load.kill()
        load.communicate()
    assert page.one("h1")[1] == hostname
    assert page.title().startswith(hostname)
    assert name in [text for _, text in page.all("th", scope="row")]
    assert page.all("b") == []
    assert [text for _, text in page.all("script")] == ["", ""]


@pytest.fixture
def broken_page() -> Page:
    def read(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/proc/meminfo")

    settings = Settings()
    collectors = [replace(each, read=read) if each.name == "memory" else each for each in COLLECTORS]
    sampler = Sampler(open_machine(settings), collectors)
    return Page(create_app(sampler, settings).test_client().get("/").text)


def test_collector_errors_are_shown_in_plain_words(broken_page: Page) -> None:
    said = [text for _, text in broken_page.all("li", **{"class": "failed"})]
    assert said == ["The figures for memory are missing: /proc/meminfo: Permission denied"]
    assert "Memory" not in [text for _, text in broken_page.all("h2")]
    assert broken_page.all("h2", id="cpu")


def test_without_a_history_the_page_says_when_its_graphs_start() -> None:
    page = page_of(history=False)
    assert page.all("svg", **{"class": "line ok"}) == []
    assert [text for attributes, text in page.all("p") if attributes.get("class") == "line empty"] == [
        "the graph starts with the second sample"
    ] * 3


def test_two_samples_make_lines() -> None:
    settings = Settings(max_age=0)
    history = History()
    sampler = Sampler(open_machine(settings), on_sample=history.add)
    client = create_app(sampler, settings, history).test_client()
    client.get("/")
    pictures = [attributes for attributes, _ in Page(client.get("/").text).all("svg")]
    lines = [attributes["aria-label"] for attributes in pictures if attributes["class"].startswith("line")]
    assert len(lines) == 3
    assert all(" for " in label or " to " in label for label in lines), lines


def test_the_page_is_served_even_if_all_collectors_fail() -> None:
    def read(*_: object) -> None:
        raise OSError("no")

    settings = Settings()
    sampler = Sampler(open_machine(settings), [replace(each, read=read) for each in COLLECTORS])
    page = Page(create_app(sampler, settings).test_client().get("/").text)
    assert page.one("h1")[1] == "this machine"
    ((_, said),) = page.all("li", **{"class": "failed"})
    first, *others = [each.name for each in COLLECTORS]
    same = f"{', '.join(others[:5])} and {len(others) - 5} more"
    assert said == f"The figures for {first} are missing: OSError: no; the same goes for {same}"


def test_a_partial_that_cannot_be_drawn_costs_its_own_place_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = Settings()
    app = create_app(Sampler(open_machine(settings)), settings)
    broken = DictLoader({"subjects/memory.html": "{% macro card(memory) %}{{ memory.no.such }}{% endmacro %}"})
    app.jinja_env.loader = ChoiceLoader([broken, app.jinja_env.loader or broken])
    for _ in range(2):
        answer = app.test_client().get("/")
        assert answer.status_code == 200
        assert 'id="memory"' not in answer.text
        assert 'id="processes"' in answer.text
    said = [record.message for record in caplog.records]
    assert [text for text in said if "drawn" in text] == [
        (
            "memory cannot be drawn on the page: UndefinedError: "
            "'exporter.collectors.memory.Memory object' has no attribute 'no'"
        )
    ]
