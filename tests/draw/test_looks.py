"""The dashboards, drawn with Grafana's components: what a reader would see at once."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.dashboards.boards import BOARDS, panels
from tests.draw import asking, browser, looking, recorded
from tests.support_browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    Panel = dict[str, Any]

NARROW = 1140
"""What Grafana's menu leaves of 1440 pixels while it is open."""


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    browser.bundle()
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with recorded.prometheus(tmp_path_factory.mktemp("hour")) as url:
        return {name: asking.answers(url, name, board) for name, board in BOARDS.items()}


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_read(name: str, started: Browser, answers: dict[str, Any]) -> None:
    with browser.draw(started, asking.drawing(name, BOARDS[name], answers[name], "dark", opened=True)) as page:
        assert looking.cut(page) + looking.silent(page, answers[name]) == []


@pytest.mark.parametrize("name", BOARDS)
def test_titles_and_tables_fit_beside_an_open_menu(name: str, started: Browser, answers: dict[str, Any]) -> None:
    """A legend may scroll then."""
    with browser.draw(started, asking.drawing(name, BOARDS[name], answers[name], "light", opened=True), NARROW) as page:
        assert looking.cut(page, legends=False) + looking.silent(page, answers[name]) == []


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_what_is_critical_is_red(mode: str, started: Browser, answers: dict[str, Any]) -> None:
    with browser.draw(started, asking.drawing("host", BOARDS["host"], answers["host"], mode, opened=False)) as page:
        assert looking.share(page, "CPU", looking.red) > 0.3
        assert looking.share(page, "Memory", looking.green) > 0.3
        assert 0.02 < looking.share(page, "Alerts", looking.red) < 0.4


def graph(panel: Panel) -> None:
    panel["fieldConfig"]["defaults"] |= {"decimals": 0, "noValue": "no data", "min": 0, "max": 1}


def title(panel: Panel) -> None:
    panel["title"] = "A title that is much longer than its panel"


def wide(panel: Panel) -> None:
    names = panel["transformations"][-1]["options"]["renameByName"].values()
    widths = [{"id": "custom.width", "value": 400}]
    panel["fieldConfig"]["overrides"] += [
        {"matcher": {"id": "byName", "options": name}, "properties": widths} for name in names
    ]


def unknown(panel: Panel) -> None:
    panel["options"]["reduceOptions"]["fields"] = "/^nothing$/"


BROKEN: dict[str, tuple[str, str, Callable[[Panel], None], str]] = {
    "decimals on a graph": ("host", "CPU by mode", graph, "its axis only says"),
    "a long title": ("host", "Uptime", title, "is cut"),
    "wide columns": ("fleet", "Machines", wide, "is cut"),
    "a field that is not there": ("host", "CPU", unknown, "no data"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_panel_is_found(case: str, started: Browser, answers: dict[str, Any]) -> None:
    name, shown, damage, expected = BROKEN[case]
    with browser.draw(
        started, asking.drawing(name, alone(name, shown, damage), answers[name], "dark", opened=False)
    ) as page:
        found = looking.cut(page) + looking.silent(page, answers[name])
        assert expected in "\n".join(found)


def test_a_timeline_coloured_by_thresholds_is_not_red(started: Browser, answers: dict[str, Any]) -> None:
    """Grafana then ignores the words' colours."""

    def thresholds(panel: Panel) -> None:
        panel["fieldConfig"]["defaults"]["color"] = {"mode": "thresholds"}

    board = alone("host", "Alerts", thresholds)
    with browser.draw(started, asking.drawing("host", board, answers["host"], "dark", opened=False)) as page:
        assert looking.share(page, "Alerts", looking.red) < 0.01


def alone(name: str, shown: str, damage: Callable[[Panel], None]) -> dict[str, Any]:
    """Return a dashboard with only one of its panels, damaged; where titles repeat, the last."""
    panel = copy.deepcopy([panel for panel in panels(BOARDS[name]) if panel["title"] == shown][-1])
    damage(panel)
    panel["gridPos"]["y"] = 0
    return {**BOARDS[name], "panels": [panel]}
