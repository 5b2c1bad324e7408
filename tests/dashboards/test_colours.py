"""Colours mean the same everywhere: red is bad, green is good, grey is unknown, and everything else is neither."""

from __future__ import annotations

import colorsys
import re
from typing import Any

import pytest

from exporter.sources.linux_processes import STATES
from tests.dashboards.boards import BOARDS, Panel, overrides, panels

EVERY_PANEL = [(name, panel) for name, board in BOARDS.items() for panel in panels(board)]
GRAPHS = [(name, panel) for name, panel in EVERY_PANEL if panel["type"] == "timeseries"]
STATS = [(name, panel) for name, panel in EVERY_PANEL if panel["type"] == "stat"]
TABLES = [(name, panel) for name, panel in EVERY_PANEL if panel["type"] == "table"]
TIMELINES = [(name, panel) for name, panel in EVERY_PANEL if panel["type"] == "state-timeline"]
MEANINGS = {"well": "green", "warning": "yellow", "critical": "red", "info": "blue", "up": "green", "down": "red"}
# Series that are bad or good news whatever their value.
BAD = re.compile(r"steal|critical limit|5xx|.*errors|.*failed|zombie|dead|down|critical|processes killed|failing")
GOOD = re.compile(r"2xx|charge|well|up|healthy")
KNOWN = {"state": sorted(STATES.values()), "resource": ["conntrack", "cpu", "descriptors", "io", "memory", "threads"]}
"""Labels whose values the exporter decides."""


def title(value: object) -> str | None:
    return value["title"] if isinstance(value, dict) else None


def colour(properties: dict[str, Any]) -> str:
    """Return a fixed colour, "" if there is none."""
    chosen = properties.get("color", {})
    return str(chosen.get("fixedColor", "")) if chosen.get("mode") == "fixed" else ""


def hue(colour: str) -> str:
    """Return "red", "green", "grey" or "other"."""
    if not colour.startswith("#"):
        return next((name for name in ("red", "green") if colour.endswith(name)), "other")
    angle, _, saturation = colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    if saturation < 0.1:
        return "grey"
    return "red" if angle < 0.04 or angle > 0.95 else "green" if 0.2 < angle < 0.46 else "other"


@pytest.mark.parametrize(("name", "panel"), TIMELINES, ids=title)
def test_a_timeline_has_the_colours_of_its_words(name: str, panel: Panel) -> None:
    """With colours by threshold, Grafana colours merged values by the thresholds alone: a critical alert was green."""
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["color"]["mode"] == "fixed", name
    assert len(defaults["thresholds"]["steps"]) == 1
    (mapping,) = defaults["mappings"]
    shown = {int(value): (result["text"], result["color"]) for value, result in mapping["options"].items()}
    assert all(MEANINGS[text] == colour for text, colour in shown.values())
    exprs = " ".join(target["expr"] for target in panel["targets"])
    drawn = {0, 1} | {int(value) for value in re.findall(r"(\d) \* ", exprs)}
    assert drawn <= set(shown), "a value without a word"


@pytest.mark.parametrize(("name", "panel"), STATS, ids=title)
def test_a_number_that_is_not_known_is_grey(name: str, panel: Panel) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    (mapping,) = [one for one in defaults.get("mappings", []) if one["type"] == "special"]
    assert mapping["options"]["match"] == "null+nan", name
    result = mapping["options"]["result"]
    assert (result["text"], hue(result["color"])) == (defaults["noValue"], "grey")


@pytest.mark.parametrize(("name", "panel"), TABLES, ids=title)
def test_a_cell_that_is_not_known_is_a_dash_without_a_bar(name: str, panel: Panel) -> None:
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert (mapping["type"], mapping["options"]["match"]) == ("special", "null+nan"), name
    assert mapping["options"]["result"]["text"] == panel["fieldConfig"]["defaults"]["noValue"] == "-"
    for column, properties in overrides(panel, "byName").items():
        if properties.get("custom.cellOptions", {}).get("type") == "gauge":
            (mapping,) = properties["mappings"]
            result = mapping["options"]["result"]
            assert (result["text"], result["color"]) == ("-", "transparent"), f"{column}: Grafana draws a bar at 0"


@pytest.mark.parametrize(("name", "panel"), GRAPHS, ids=title)
def test_every_line_has_a_colour_of_its_own(name: str, panel: Panel) -> None:
    """Grafana's palettes have red and green, and those by name give two of five lines the same colour."""
    assert not panel["fieldConfig"]["defaults"]["color"]["mode"].startswith("palette"), name
    by_name, by_query = overrides(panel, "byName"), overrides(panel, "byFrameRefID")
    drawn: list[str] = []
    for target in panel["targets"]:
        legend, ref = target["legendFormat"], target["refId"]
        if by_name.get(legend, {}).get("custom.lineWidth") == 0 or "custom.lineStyle" in by_name.get(legend, {}):
            assert colour(by_name[legend])  # the edge of a band, or a dashed line: told apart by its shape
        elif "{{" not in legend:
            drawn.append(colour(by_name.get(legend, {})))
        elif ref in by_query:
            direction = "down" if "negative-Y" in str(panel["fieldConfig"]["overrides"]) and ref[0] == "B" else ""
            assert "topk(" in target["expr"], "a place in the colours that is none in a list"
            assert hue(colour(by_query[ref])) not in {"red", "green"}
            drawn.append(colour(by_query[ref]) + direction)
        else:
            (label,) = re.findall(r"\{\{(\w+)\}\}", legend)
            words = [word for word in by_name if re.fullmatch(re.sub(r"\{\{\w+\}\}", ".+", legend), word)]
            missing = {legend.replace(f"{{{{{label}}}}}", value) for value in KNOWN.get(label, [])} - set(words)
            assert words, f"{legend}: neither known words nor places"
            assert not missing
    assert all(drawn), f"a line without a colour: {panel['title']}"
    assert len(drawn) == len(set(drawn)), "two lines of one colour"


def words() -> dict[tuple[str, str], str]:
    """Return the colours of everything that has one by its name: series, and texts of mapped values."""
    found = {}
    for _, panel in EVERY_PANEL:
        for word, properties in overrides(panel, "byName").items():
            found[panel["title"], word] = colour(properties)
        mappings = re.findall(r"\{'color': '([^']+)', 'index': \d, 'text': '([^']+)'\}", str(panel["fieldConfig"]))
        for shade, text in mappings:
            found[panel["title"], text] = shade
    return {key: shade for key, shade in found.items() if shade}


def test_red_is_bad_and_green_is_good() -> None:
    shown = words()
    assert len(shown) > 40
    for (panel, word), shade in shown.items():
        assert (hue(shade) == "red") == bool(BAD.fullmatch(word)), f"{panel}: {word} is {shade}"
        assert (hue(shade) == "green") == bool(GOOD.fullmatch(word)), f"{panel}: {word} is {shade}"


@pytest.mark.parametrize("name", ["host", "stack", "application"])
def test_alerts_are_marked_where_they_begin_in_the_colour_of_their_severity(name: str) -> None:
    """A tint over hours hides the lines that explain the alert."""
    marks = [one for one in BOARDS[name]["annotations"]["list"] if not one.get("builtIn")]
    shown = {}
    for mark in marks:
        expr = mark["target"]["expr"]
        (severity,) = set(re.findall(r'severity="(\w+)"', expr))
        shown[severity] = mark["iconColor"]
        assert re.fullmatch(r"max by .+\[\$__interval\]\)\) unless max by .+ offset \$__interval\)\)", expr)
    assert shown == {"critical": "red", "warning": "yellow"}
    timelines = [panel["id"] for panel in panels(BOARDS[name]) if panel["type"] == "state-timeline"]
    assert all(mark.get("filter", {"ids": []})["ids"] == timelines for mark in marks)
    assert all(mark["filter"]["exclude"] for mark in marks if timelines)
